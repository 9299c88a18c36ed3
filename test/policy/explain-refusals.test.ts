import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation } from '../../lib/model/operation.ts'
import { createCaller, holderBelow } from '../../lib/options/caller.ts'
import { ANYONE, allow, caller, engineFor, engineOf, request } from './support.ts'

const CLOSED = { properties: { x: { const: 1 } }, required: ['x'], additionalProperties: false }

const REFUSALS: readonly (readonly [rules: readonly object[], asked: readonly [Operation, string], passes: string])[] =
  [
    [[allow('kv/a', ['read', 'list'])], ['write', 'kv/a'], 'on this path: read, list'],
    [[allow('kv/a', ['write'], { request: CLOSED })], ['write', 'kv/a'], '/data must have the property "x"'],
    [
      [allow('kv/a', ['read'], { response: { required: ['x'] } })],
      ['read', 'kv/a'],
      'the same request, asked for unwrapped',
    ],
    [
      [allow('kv/data/a/b', ['read']), allow('kv/x', ['read'])],
      ['read', 'kv/data/a/c'],
      'paths near it that are granted: "kv/data/a/b", "kv/x"',
    ],
    [
      ['a', 'b', 'c', 'd', 'e'].map((name) => allow(`kv/${name}`, ['read'])),
      ['read', 'kv/none'],
      'paths near it that are granted: "kv/a", "kv/b", "kv/c", … (5 in all)',
    ],
  ]

for (const [rules, [operation, path], passes] of REFUSALS) {
  test(`a refusal tells what would pass: ${passes}`, async () => {
    const engine = await engineFor(...rules)
    const wrapTtlMs = passes.endsWith('unwrapped') ? 60_000 : 0
    const { decision, wouldPass } = engine.explain(ANYONE, request(operation, path, { wrapTtlMs }))
    assert.equal(decision.effect, 'deny')
    assert.equal(wouldPass, passes)
  })
}

test('a path that is near is told as the policy has it, without what the caller is', async () => {
  const engine = await engineFor(allow('kv/people/{{caller.user}}', ['read']))
  const { wouldPass } = engine.explain(caller({ user: 'planted' }), request('read', 'kv/people/other'))
  assert.equal(wouldPass, 'paths near it that are granted: "kv/people/{{caller.user}}"')
})

test('nothing would pass where a rule forbids or denies, and where no granted path is near', async () => {
  const closed = await engineFor(
    allow('kv/a', ['read']),
    { path: 'kv/a', operations: ['read'], effect: 'deny' },
    { path: 'kv/b', operations: ['*'], effect: 'forbid' },
  )
  for (const path of ['kv/a', 'kv/b', 'elsewhere/a']) {
    assert.equal(closed.explain(ANYONE, request('read', path)).wouldPass, undefined, path)
  }
})

test('what is allowed needs nothing else', async () => {
  const engine = await engineFor(allow('kv/a', ['read']))
  assert.equal(engine.explain(ANYONE, request('read', 'kv/a')).wouldPass, undefined)
})

test('who is bound by no policy is told what the subjects ask for, never what the caller has', async () => {
  const subject = { properties: { service: { const: 'orders' } }, required: ['service'] }
  const engine = await engineOf({ policy: 'orders', subject, rules: [allow('kv/a', ['read'])] })
  const { unbound, wouldPass } = engine.explain(caller({ service: 'planted' }), request('read', 'kv/a'))
  const why = 'the caller/service must be "orders" (const)'
  assert.deepEqual(unbound, [{ policy: 'orders', link: 0, why }])
  assert.equal(wouldPass, `a caller that a policy binds; orders: ${why}`)
})

test('the holder of a token is told that only policies which demand it bind', async () => {
  const engine = await engineOf({ policy: 'all', rules: [allow('kv/a', ['read'])] })
  const known = { mount: 'auth/x/', policies: [], alias: 'a', entity: 'e', metadata: {} }
  const holder = holderBelow(ANYONE, known, (link) => link === ANYONE)
  const { unbound, wouldPass } = engine.explain(holder, request('read', 'kv/a'))
  const why = 'binds no holder of a token as such: its subject does not demand "token"'
  assert.deepEqual(unbound, [{ policy: 'all', link: 1, why }])
  assert.equal(wouldPass, `a caller that a policy binds; all: ${why}`)
})

test('where a rule forbids, those that would allow say so', async () => {
  const engine = await engineFor(allow('kv/a', ['read']), { path: 'kv/a', operations: ['*'], effect: 'forbid' })
  const { rules } = engine.explain(ANYONE, request('read', 'kv/a'))
  assert.deepEqual(
    rules.map(({ rule, result, outcome }) => [rule, result, outcome]),
    [
      ['rule-1', 'forbids', 'forbids'],
      ['rule-0', 'allows', 'would allow, were it not forbidden'],
    ],
  )
})

test('each note says for which caller of the chain it stands', async () => {
  const engine = await engineFor(allow('kv/a', ['read']))
  const { rules } = engine.explain(createCaller({ component: 'x' }, ANYONE), request('read', 'kv/a'))
  assert.deepEqual(
    rules.map(({ link, result }) => [link, result]),
    [
      [0, 'allows'],
      [1, 'allows'],
    ],
  )
})

const RANKS: readonly (readonly [
  winner: string,
  loser: string,
  asked: readonly [Operation, string],
  reason: string,
])[] = [
  ['kv/a', 'kv/*', ['read', 'kv/a'], ''],
  ['kv/a/*', 'kv/*', ['read', 'kv/a/b'], ', since its first wildcard stands later'],
  ['kv/+', 'kv/*', ['read', 'kv/a'], ', since it does not end in "*"'],
  ['kv/*', 'kv/+/b*', ['read', 'kv/a/b'], ' for the server, since it has fewer "+"'],
  ['kv/+/bc*', 'kv/+/b*', ['read', 'kv/a/bc'], ', since it is longer'],
  ['kv/+/b/+', 'kv/+/+/c', ['read', 'kv/a/b/c'], ' for the server, since it sorts later'],
  ['kv/a/', 'kv/a', ['list', 'kv/a'], ', since a listing asks for the path with its slash first'],
  ['kv/*', 'kv/+', ['list', 'kv/a'], ', since a listing asks for the path with its slash first'],
]

for (const [winner, loser, [operation, path], reason] of RANKS) {
  test(`${winner} is asked before ${loser}, and it is told why`, async () => {
    const engine = await engineFor(allow(loser, [operation]), allow(winner, [operation]))
    const { decision, rules } = engine.explain(ANYONE, request(operation, path))
    assert.equal(decision.rule, 'rule-1')
    const lost = rules.find(({ rule }) => rule === 'rule-0')
    assert.deepEqual([lost?.result, lost?.outcome], ['outranked', `not used: "${winner}" is more specific${reason}`])
  })
}
