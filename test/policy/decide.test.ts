import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLANS_MAX } from '../../lib/policy/binding.ts'
import { ANYONE, allow, caller, engineFor, engineOf, request, said } from './support.ts'

test('without documents everything is denied', async () => {
  const engine = await engineOf()
  assert.equal(said(engine, request('read', 'kv/a')), 'deny no-policy')
})

test('what no rule matches is denied, and the message names the policies that bind', async () => {
  const engine = await engineFor(allow('kv/a', ['read']))
  const { decision } = engine.decide(ANYONE, request('read', 'kv/b'))
  assert.equal(decision.message, 'no rule of the policies that bind the caller (p) matches the path')
  assert.equal(decision.reason, 'no-rule')
})

test('the most specific pattern wins even if it does not grant the operation', async () => {
  const engine = await engineFor(allow('kv/*', ['read', 'delete']), allow('kv/a', ['read']))
  assert.equal(said(engine, request('delete', 'kv/a')), 'deny operation rule-1')
})

test('rules of several policies on one pattern merge', async () => {
  const engine = await engineOf(
    { policy: 'p', rules: [allow('kv/a', ['read'])] },
    { policy: 'q', subject: { required: ['team'] }, rules: [allow('kv/a', ['delete'])] },
  )
  const who = caller({ team: 'x' })
  assert.equal(engine.decide(who, request('delete', 'kv/a')).decision.policy, 'q')
  assert.equal(engine.decide(who, request('read', 'kv/a')).decision.policy, 'p')
  assert.equal(said(engine, request('delete', 'kv/a')), 'deny operation rule-0')
})

test('deny wins on the same pattern, in either order', async () => {
  const rules = [
    allow('kv/a', ['read', 'delete']),
    { path: 'kv/a', operations: ['delete'], effect: 'deny', reason: 'kept' },
  ]
  for (const order of [rules, [...rules].reverse()]) {
    const engine = await engineFor(...order)
    const { decision } = engine.decide(ANYONE, request('delete', 'kv/a'))
    assert.equal(decision.reason, 'deny')
    assert.equal(decision.message, 'the rule denies it: kept')
    assert.equal(engine.decide(ANYONE, request('read', 'kv/a')).decision.effect, 'allow')
  }
})

test('deny on a less specific pattern does not win', async () => {
  const engine = await engineFor(allow('kv/a', ['read']), { path: 'kv/*', operations: ['*'], effect: 'deny' })
  assert.equal(said(engine, request('read', 'kv/a')), 'allow rule rule-0')
})

test('forbid beats a more specific allow', async () => {
  const forbid = { id: 'guard', path: 'sys/*', operations: ['*'], effect: 'forbid', reason: 'operators only' }
  const engine = await engineFor(allow('sys/mounts', ['read']), forbid)
  const { decision } = engine.decide(ANYONE, request('read', 'sys/mounts'))
  assert.equal(decision.message, 'the rule forbids it, whatever else allows it: operators only')
  assert.equal(decision.rule, 'guard')
})

test('forbid of one operation leaves the others to less specific rules', async () => {
  const engine = await engineFor(allow('kv/*', ['read', 'delete']), {
    path: 'kv/a',
    operations: ['delete'],
    effect: 'forbid',
  })
  assert.equal(said(engine, request('read', 'kv/a')), 'allow rule rule-0')
  assert.equal(said(engine, request('delete', 'kv/a')), 'deny forbid rule-1')
})

for (const [pattern, path] of [
  ['sys/raw', 'sys/raw/'],
  ['sys/raw/', 'sys/raw'],
  ['sys/+', 'sys/raw/'],
] as const) {
  test(`a forbid of ${pattern} is not passed by ${path}`, async () => {
    const engine = await engineFor(allow('*', ['*']), { path: pattern, operations: ['*'], effect: 'forbid' })
    for (const operation of ['read', 'list', 'write'] as const) {
      assert.equal(said(engine, request(operation, path)), 'deny forbid rule-1')
    }
  })
}

for (const operation of ['create', 'update', 'write'] as const) {
  test(`a forbid of ${operation} stops every write`, async () => {
    const engine = await engineFor(allow('*', ['*']), { path: 'kv/a', operations: [operation], effect: 'forbid' })
    assert.equal(said(engine, request('write', 'kv/a')), 'deny forbid rule-1')
  })
}

for (const [operations, effect, createOnly] of [
  [['write'], 'allow', false],
  [['create'], 'allow', true],
  [['update'], 'allow', false],
  [['create', 'update'], 'allow', false],
  [['*'], 'allow', false],
  [['patch', 'read', 'delete', 'list', 'scan', 'sudo'], 'deny', false],
] as const) {
  test(`a write under [${operations}]: ${effect}${createOnly ? ', create only' : ''}`, async () => {
    const engine = await engineFor(allow('kv/a', operations))
    const verdict = engine.decide(ANYONE, request('write', 'kv/a'))
    assert.equal(verdict.decision.effect, effect)
    assert.equal(verdict.createOnly, createOnly)
  })
}

test('create alone does not narrow another rule on the same path', async () => {
  const engine = await engineFor(allow('kv/a', ['create']), allow('kv/a', ['update']))
  const verdict = engine.decide(ANYONE, request('write', 'kv/a'))
  assert.equal(verdict.decision.rule, 'rule-1')
  assert.equal(verdict.createOnly, false)
})

test('what is no operation is not granted by *', async () => {
  const engine = await engineFor(allow('*', ['*']))
  assert.throws(() => engine.decide(ANYONE, request('root' as never, 'kv/a')), TypeError)
})

test('sudo alone grants nothing', async () => {
  const engine = await engineFor(allow('kv/a', ['sudo']))
  assert.equal(said(engine, request('read', 'kv/a')), 'deny operation rule-0')
})

test('a policy applies to requests of exactly its namespace', async () => {
  const engine = await engineOf({ policy: 'p', namespace: 'team-a', rules: [allow('*', ['*'])] })
  assert.equal(said(engine, request('read', 'a', { namespace: 'team-a' })), 'allow rule rule-0')
  for (const namespace of ['', 'team-a/sub', 'team', '__proto__']) {
    assert.equal(said(engine, request('read', 'a', { namespace })), 'deny no-policy')
  }
})

test('a subject binds those it describes, and nobody who lacks an attribute', async () => {
  const subject = { properties: { service: { const: 'orders' } }, required: ['service'] }
  const engine = await engineOf({ policy: 'p', subject, rules: [allow('a', ['read'])] })
  assert.equal(said(engine, request('read', 'a'), caller({ service: 'orders' })), 'allow rule rule-0')
  assert.equal(said(engine, request('read', 'a'), caller({ service: 'other' })), 'deny no-policy')
  assert.equal(said(engine, request('read', 'a'), caller({})), 'deny no-policy')
})

test('an attribute named like a member of objects is lacking where it was not given', async () => {
  const names = ['constructor', 'toString', 'hasOwnProperty']
  for (const name of names) {
    const engine = await engineOf({ policy: 'p', subject: { required: [name] }, rules: [allow('a', ['read'])] })
    assert.equal(said(engine, request('read', 'a'), ANYONE), 'deny no-policy')
    assert.equal(said(engine, request('read', 'a'), { attributes: {}, parent: undefined, id: '' }), 'deny no-policy')
    assert.equal(said(engine, request('read', 'a'), caller({ [name]: true })), 'allow rule rule-0')
  }
})

test('parent and own decision must allow, and the first refusal from the root is the verdict', async () => {
  const of = (service: string): object => ({ properties: { [service]: { const: true } }, required: [service] })
  const engine = await engineOf(
    { policy: 'root', subject: { not: { required: ['own'] } }, rules: [allow('a', ['read']), allow('b', ['read'])] },
    { policy: 'own', subject: of('own'), rules: [allow('a', ['read']), allow('c', ['read'])] },
  )
  const parent = caller({ service: 's' })
  const child = caller({ own: true }, parent)
  assert.equal(engine.decide(child, request('read', 'a')).decision.policy, 'own')
  assert.match(engine.decide(child, request('read', 'b')).decision.message, /\(own\)/)
  assert.match(engine.decide(child, request('read', 'c')).decision.message, /\(root\)/)
})

test('a cache grant is the narrowest of the chain, and gone where one rule has none', async () => {
  const rules = (cache: object | undefined): object[] => [allow('a', ['read'], cache === undefined ? {} : { cache })]
  const verdictOf = async (root: object | undefined, own: object | undefined): Promise<unknown> => {
    const engine = await engineOf(
      { policy: 'root', subject: { not: { required: ['own'] } }, rules: rules(root) },
      { policy: 'own', subject: { required: ['own'] }, rules: rules(own) },
    )
    return engine.decide(caller({ own: true }, ANYONE), request('read', 'a')).cache
  }
  assert.deepEqual(
    await verdictOf({ ttl: '5m', scope: 'gateway', staleIfError: '1h' }, { ttl: '90s', scope: 'caller' }),
    {
      ttlMs: 90_000,
      scope: 'caller',
      staleIfErrorMs: 0,
    },
  )
  assert.deepEqual(await verdictOf({ ttl: '500ms', scope: 'gateway' }, { ttl: '2d' }), {
    ttlMs: 500,
    scope: undefined,
    staleIfErrorMs: 0,
  })
  assert.equal(await verdictOf({ ttl: '5m' }, undefined), undefined)
})

test('what one rule of a chain keeps for its caller stays so where another grants no cache', async () => {
  const own = allow('a', ['read'], { cache: { ttl: '5m', scope: 'caller' } })
  const engine = await engineOf(
    { policy: 'root', subject: { not: { required: ['own'] } }, rules: [allow('a', ['read'])] },
    { policy: 'own', subject: { required: ['own'] }, rules: [own] },
  )
  const child = caller({ own: true }, ANYONE)
  const { cache, isCallersOwn } = engine.decide(child, request('read', 'a'))
  assert.deepEqual({ cache, isCallersOwn }, { cache: undefined, isCallersOwn: true })
  assert.equal(engine.decide(ANYONE, request('read', 'a')).isCallersOwn, false)
})

test('a repeated decision is the identical, frozen object, for callers alike too', async () => {
  const engine = await engineFor(allow('kv/*', ['read'], { cache: { ttl: '1s' } }))
  const child = caller({ a: 1 }, caller({}))
  for (const who of [ANYONE, child]) {
    for (const asked of [request('read', 'kv/a'), request('read', 'other'), request('delete', 'kv/a')]) {
      const verdict = engine.decide(who, asked)
      assert.equal(engine.decide(who, { ...asked, query: { version: '1' } }), verdict)
      assert.ok(Object.isFrozen(verdict) && Object.isFrozen(verdict.decision))
    }
  }
  assert.equal(
    engine.decide(caller({ b: 2 }, caller({})), request('read', 'kv/a')),
    engine.decide(child, request('read', 'kv/a')),
  )
})

test('more paths than are remembered are decided all the same', async () => {
  const engine = await engineFor(allow('kv/*', ['read']))
  for (let at = 0; at <= PLANS_MAX; at += 1) engine.decide(ANYONE, request('read', `x/${at}`))
  assert.equal(said(engine, request('read', 'kv/a')), 'allow rule rule-0')
  assert.equal(said(engine, request('read', 'x/1')), 'deny no-rule')
})
