import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCaller, holderBelow } from '../../../lib/options/caller.ts'
import { ANYONE, allow, caller, engineFor, engineOf, request, said } from '../support.ts'

const OWN = allow('kv/data/{{caller.user}}/*', ['read'])

test('a template stands for the attribute of the caller', async () => {
  const engine = await engineFor(OWN)
  assert.equal(said(engine, request('read', 'kv/data/u-1/a'), caller({ user: 'u-1' })), 'allow rule rule-0')
  assert.equal(said(engine, request('read', 'kv/data/u-10/a'), caller({ user: 'u-1' })), 'deny no-rule')
  assert.equal(said(engine, request('read', 'kv/data/7/a'), caller({ user: 7 })), 'allow rule rule-0')
})

/** Attributes that are no segment, and what an explanation says. */
const UNFIT = 'the attribute "user" is not one path segment (a text or number without / + *)'
const VALUES: readonly (readonly [attributes: Parameters<typeof caller>[0], asked: string, why: string])[] = [
  [{}, 'kv/data/u-1/a', 'the caller has no attribute "user"'],
  [{ user: '' }, 'kv/data//a', UNFIT],
  [{ user: '.' }, 'kv/data/./a', UNFIT],
  [{ user: '..' }, 'kv/data/../a', UNFIT],
  [{ user: 'a/b' }, 'kv/data/a/b/c', UNFIT],
  [{ user: '+' }, 'kv/data/x/a', UNFIT],
  [{ user: 'u*' }, 'kv/data/u-1/a', UNFIT],
  [{ user: '*' }, 'kv/data/*/a', UNFIT],
  [{ user: 'a\u0000' }, 'kv/data/a\u0000/a', UNFIT],
  [{ user: '\ud800' }, 'kv/data/\ud800/a', UNFIT],
  [{ user: 1e21 }, 'kv/data/1e+21/a', UNFIT],
  [{ user: true }, 'kv/data/true/a', UNFIT],
  [{ user: ['u'] }, 'kv/data/u/a', UNFIT],
  [{ user: 'x'.repeat(513) }, `kv/data/${'x'.repeat(513)}/a`, UNFIT],
]

for (const [attributes, asked, why] of VALUES) {
  test(`a rule does not bind a caller with ${JSON.stringify(attributes).slice(0, 40)}, and it is told why`, async () => {
    const engine = await engineFor(OWN)
    const who = caller(attributes)
    assert.equal(said(engine, request('read', asked), who), 'deny no-rule')
    const { rules } = engine.explain(who, request('read', asked))
    assert.deepEqual(
      rules.map(({ rule, path, result, outcome }) => [rule, path, result, outcome]),
      [['rule-0', 'kv/data/{{caller.user}}/*', 'unresolved', `does not bind: ${why}`]],
    )
  })
}

test('names that every object has are no attributes', async () => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    const engine = await engineFor(allow(`kv/{{caller.${name}}}`, ['read']))
    const { rules } = engine.explain(ANYONE, request('read', 'kv/a'))
    assert.equal(rules[0]?.outcome, `does not bind: the caller has no attribute "${name}"`)
  }
})

test('a value that looks like a template or a pattern is taken as it is', async () => {
  const engine = await engineFor(allow('kv/{{caller.user}}', ['read']))
  const user = '{{caller.other}}'
  assert.equal(said(engine, request('read', `kv/${user}`), caller({ user, other: 'x' })), 'allow rule rule-0')
  assert.equal(said(engine, request('read', 'kv/x'), caller({ user, other: 'x' })), 'deny no-rule')
})

test('a template is ranked as the literal that the server would see', async () => {
  const rules = [
    allow('kv/+/a', ['read']),
    allow('kv/{{caller.user}}/+', ['read']),
    allow('kv/{{caller.user}}/a', ['read']),
  ]
  const engine = await engineFor(...rules)
  const who = caller({ user: 'u-1' })
  assert.equal(said(engine, request('read', 'kv/u-1/a'), who), 'allow rule rule-2')
  assert.equal(said(engine, request('read', 'kv/u-1/b'), who), 'allow rule rule-1')
  assert.equal(said(engine, request('read', 'kv/u-2/a'), who), 'allow rule rule-0')
})

test('a template and a literal on one path are rules of one path', async () => {
  const engine = await engineFor(allow('kv/{{caller.user}}', ['read']), allow('kv/u-1', ['delete']))
  const who = caller({ user: 'u-1' })
  assert.equal(said(engine, request('read', 'kv/u-1'), who), 'allow rule rule-0')
  assert.equal(said(engine, request('delete', 'kv/u-1'), who), 'allow rule rule-1')
  assert.equal(said(engine, request('read', 'kv/u-1'), caller({ user: 'u-2' })), 'deny operation rule-1')
})

test('denials and listings have templates like allowances', async () => {
  const engine = await engineFor(allow('kv/metadata/{{caller.user}}', ['list']), allow('kv/+', ['*']), {
    path: 'kv/{{caller.user}}',
    operations: ['delete'],
    effect: 'forbid',
  })
  const who = caller({ user: 'u-1' })
  assert.equal(said(engine, request('list', 'kv/metadata/u-1'), who), 'allow rule rule-0')
  assert.equal(said(engine, request('list', 'kv/metadata/u-1/'), who), 'allow rule rule-0')
  assert.equal(said(engine, request('list', 'kv/metadata/u-2'), who), 'deny no-rule')
  for (const path of ['kv/u-1', 'kv/u-1/'])
    assert.equal(said(engine, request('delete', path), who), 'deny forbid rule-2')
  assert.equal(said(engine, request('delete', 'kv/u-2'), who), 'allow rule rule-1')
})

test('each caller of a chain is judged by its own attributes', async () => {
  const engine = await engineFor(allow('kv/{{caller.user}}', ['read']), allow('kv/{{caller.service}}', ['read']))
  const root = caller({ service: 's' })
  const child = caller({ user: 's' }, root)
  assert.equal(said(engine, request('read', 'kv/s'), child), 'allow rule rule-0')
  const other = caller({ user: 'u-1' }, root)
  assert.equal(said(engine, request('read', 'kv/u-1'), other), 'deny no-rule', 'the root may not')
})

test('of a token, only what its endpoint says stands in for a template', async () => {
  const engine = await engineOf(
    { policy: 'p', rules: [allow('kv/+', ['read'])] },
    {
      policy: 'holders',
      subject: { required: ['token'] },
      rules: ['alias', 'entity', 'metadata.team'].map((part) => allow(`kv/{{caller.token.${part}}}`, ['read'])),
    },
  )
  const service = caller({ 'token.alias': 'planted' })
  const known = { mount: 'auth/jwt/', policies: ['a'], alias: 'u-1', entity: 'e-1', metadata: { team: 't-1' } }
  const holder = holderBelow(service, known, (link) => link === service)
  const asked = (path: string): string => said(engine, request('read', path), holder)
  assert.equal(asked('kv/u-1'), 'allow rule rule-0')
  assert.equal(asked('kv/e-1'), 'allow rule rule-1')
  assert.equal(asked('kv/t-1'), 'allow rule rule-2')
  assert.equal(asked('kv/planted'), 'deny no-rule')
})

test('callers with equal values share decisions, others do not', async () => {
  const engine = await engineFor(allow('kv/{{caller.user}}', ['read'], { id: 'own' }), allow('*', ['list']))
  const asked = request('read', 'kv/u-1')
  const twins = ['a', 'b'].map((session) => createCaller({ user: 'u-1', session }))
  const [one, two] = twins.map((who) => engine.decide(who, asked))
  assert.equal(one, two)
  assert.equal(said(engine, asked, caller({ user: 'u-2' })), 'deny operation rule-1')
  assert.equal(said(engine, asked, caller({})), 'deny operation rule-1')
  assert.equal(said(engine, asked, caller({ user: 'u-1' })), 'allow rule own')
})

test('more callers than are remembered are told apart all the same', async () => {
  const engine = await engineFor(allow('kv/{{caller.user}}', ['read']))
  for (let at = 0; at < 3000; at += 1) {
    const who = caller({ user: at })
    assert.equal(said(engine, request('read', `kv/${at}`), who), 'allow rule rule-0')
    assert.equal(said(engine, request('read', `kv/${at + 1}`), who), 'deny no-rule')
  }
})
