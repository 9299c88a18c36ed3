import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PolicyDeniedError } from '../../lib/errors/index.ts'
import type { Gateway } from '../../lib/model/gateway.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { allow, foreign, type Opened, type OpenOptions, open, policy, readable, shape } from './support.ts'

const KV = 'kv/a'
const STATIC = answerWith({ data: { color: 'green' } })
const byUser = { properties: { user: { type: 'string' } }, required: ['user'] }
/** Not callers below it: they inherit its attributes. */
const byRoot = { properties: { service: { const: 'app' } }, required: ['service'], maxProperties: 1 }

/** A gateway whose rule `it` lets `limits` through. */
function world(t: TestContext, limits: object, options: OpenOptions = {}): Promise<Opened> {
  const rule = { limits, cache: { ttl: '1h' } }
  const policies = [allow(KV, ['read', 'write', 'list'], rule)]
  const handlers = { [`read ${KV}`]: STATIC, [`write ${KV}`]: answerWith({ status: 204 }) }
  return open(t, { policies, ...options, handlers: { ...handlers, ...options.handlers } })
}

/** How many of `tries` reads pass. */
async function passing(gateway: Gateway, tries: number, path = KV): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: tries }, () => gateway.read(path)))
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

async function refusal(work: Promise<unknown>): Promise<PolicyDeniedError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof PolicyDeniedError, String(error))
  return error
}

test('beyond its rate a caller is refused for a while, and told for how long', async (t) => {
  const { gateway, clock } = await world(t, { rate: '4/s' })
  assert.equal(await passing(gateway, 9), 4)
  const error = await refusal(gateway.read(KV))
  assert.equal(error.code, 'ERR_PORTCULLIS_POLICY_LIMIT')
  assert.equal(error.temporary, true)
  assert.equal(error.retryAfterMs, 250)
  assert.equal(error.message, 'read kv/a denied by policy test, rule it: the rule lets 4/s through, 4 at once (rate)')
  assert.deepEqual(error.decision, {
    effect: 'deny',
    reason: 'rate',
    policy: 'test',
    rule: 'it',
    message: 'the rule lets 4/s through, 4 at once (rate)',
    keyword: 'rate',
  })
  await clock.advance(249)
  assert.equal(await passing(gateway, 1), 0)
  await clock.advance(1)
  assert.equal(await passing(gateway, 2), 1)
  await clock.advance(60_000)
  assert.equal(await passing(gateway, 9), 4)
})

test('burst is what may come at once', async (t) => {
  const { gateway, clock } = await world(t, { rate: '60/m', burst: 2 })
  assert.equal(await passing(gateway, 9), 2)
  await clock.advance(1_000)
  assert.equal(await passing(gateway, 9), 1)
})

test('a hit of the cache is an access, and a refused one is recorded, told and sends nothing', async (t) => {
  const { gateway, server, entries, events } = await world(t, { rate: '2/h' })
  await gateway.read(KV)
  assert.equal((await gateway.read(KV)).source, 'cache')
  await refusal(gateway.read(KV))
  assert.equal(server.count(`read ${KV}`), 1)
  assert.deepEqual(shape(foreign(entries)), [
    'request allow',
    'response allow server',
    'response allow cache',
    'request deny ERR_PORTCULLIS_POLICY_LIMIT',
  ])
  const { decision } = foreign(entries).at(-1) ?? {}
  assert.deepEqual(decision, { effect: 'deny', reason: 'rate', policy: 'test', rule: 'it', keyword: 'rate' })
  assert.deepEqual(
    events.filter(({ name }) => name === 'denied').map(({ event }) => (event as { path: string }).path),
    [KV],
  )
})

test('what is only asked about takes nothing: explain, dryRun, and what another rule or schema refuses', async (t) => {
  const { gateway } = await world(t, { rate: '1/h' })
  for (let n = 0; n < 5; n += 1) {
    assert.equal(gateway.explain({ operation: 'read', path: KV }).decision.effect, 'allow')
    await gateway.read(KV, { dryRun: true })
    await refusal(gateway.delete(KV))
  }
  assert.deepEqual(
    gateway.explain({ operation: 'read', path: KV }).rules.map(({ outcome }) => outcome),
    ['allows, at most 1/h, 1 at once'],
  )
  assert.equal(await passing(gateway, 3), 1)
  assert.equal(gateway.explain({ operation: 'read', path: KV }).decision.effect, 'allow')
})

test('all operations of a rule share its rate, and rules do not share theirs', async (t) => {
  const limits = { rate: '2/h' }
  const rules = [
    { path: KV, operations: ['read', 'write'], effect: 'allow', limits },
    { path: 'kv/b', operations: ['read'], effect: 'allow', limits },
  ]
  const { gateway } = await world(t, limits, { policies: [policy('p', rules)], handlers: { 'read kv/b': STATIC } })
  await gateway.write(KV, {})
  assert.equal(await passing(gateway, 5), 1)
  assert.equal(await passing(gateway, 5, 'kv/b'), 2)
})

test('a rate is counted for each caller', async (t) => {
  const policies = [
    policy('app', [readable(KV)], byRoot),
    policy('users', [readable(KV, { limits: { rate: '2/h' } })], byUser),
  ]
  const { gateway } = await world(t, {}, { policies, caller: { service: 'app' } })
  const [a, b] = [gateway.as({ user: 'a' }), gateway.as({ user: 'b' })]
  assert.equal(await passing(a, 5), 2)
  assert.equal(await passing(gateway.as({ user: 'a' }), 5), 0)
  assert.equal(await passing(b, 5), 2)
  assert.equal(await passing(gateway, 5), 5)
})

test('what callers below one do counts for it, too; and what one of the chain refuses takes nothing of the others', async (t) => {
  const policies = [
    policy('app', [readable(KV, { limits: { rate: '5/h' } })], byRoot),
    policy('users', [readable(KV, { limits: { rate: '2/h' } })], byUser),
  ]
  const { gateway } = await world(t, {}, { policies, caller: { service: 'app' } })
  assert.equal(await passing(gateway.as({ user: 'a' }), 9), 2)
  assert.equal(await passing(gateway.as({ user: 'b' }), 9), 2)
  const [first, second] = [await refusal(gateway.as({ user: 'b' }).read(KV)), gateway.as({ user: 'c' })]
  assert.deepEqual([first.decision.policy, first.decision.message.includes('above')], ['users', false])
  assert.equal(await passing(second, 9), 1)
  const above = await refusal(gateway.as({ user: 'd' }).read(KV))
  assert.equal(above.decision.policy, 'app')
  assert.match(above.decision.message, /5 at once, for a caller above this one together with all below it \(rate\)$/)
})

test('counting goes on when policies are reloaded, by the new limits', async (t) => {
  const { gateway } = await world(t, { rate: '4/h' })
  assert.equal(await passing(gateway, 3), 3)
  await gateway.reloadPolicies([allow(KV, ['read'], { limits: { rate: '4/h' } })])
  assert.equal(await passing(gateway, 3), 1)
  await gateway.reloadPolicies([allow(KV, ['read'], { limits: { rate: '6/h' } })])
  assert.equal(await passing(gateway, 3), 2)
  await gateway.reloadPolicies([allow(KV, ['read'])])
  assert.equal(await passing(gateway, 9), 9)
})

test('a limit that refuses keeps what shadow policies would have said', async (t) => {
  const shadow = { ...policy('next', [{ path: KV, operations: ['read'], effect: 'deny' }]), mode: 'shadow' }
  const policies = [allow(KV, ['read'], { limits: { rate: '1/h' } }), shadow]
  const { gateway, entries } = await world(t, {}, { policies })
  await gateway.read(KV)
  const error = await refusal(gateway.read(KV))
  assert.equal(error.decision.shadow?.reason, 'deny')
  assert.equal(foreign(entries).at(-1)?.shadow?.reason, 'deny')
})

test('a login, a revocation and a hold are accesses like any other', async (t) => {
  const policies = [allow('*', ['read', 'write'], { limits: { rate: '3/h' } })]
  const { gateway, server } = await world(
    t,
    {},
    {
      policies,
      handlers: { 'write sys/leases/revoke': answerWith({ status: 204 }), 'write auth/x/login': answerWith({}) },
    },
  )
  await gateway.login('auth/x/login', {})
  await gateway.write('sys/leases/revoke', { lease_id: 'a/1' })
  await assert.rejects(gateway.lease(KV), { code: 'ERR_PORTCULLIS_LEASE_NONE' })
  await refusal(gateway.lease(KV))
  await refusal(gateway.login('auth/x/login', {}))
  await refusal(gateway.unwrap('s.wrapping'))
  assert.equal(server.count('write auth/x/login'), 1)
})

const FLAGS = 'kv/data/flags'
const MOUNT = answerWith({ data: { path: 'kv/', type: 'kv', options: { version: '2' } } })
const FLAG = answerWith({ mountType: 'kv', data: { data: { on: true }, metadata: { version: 1, created_time: 't' } } })

test('looks of a watch are accesses; one that is refused leaves the value, and the next waits until it may pass', async (t) => {
  const { gateway, server, clock } = await world(
    t,
    {},
    {
      policies: [allow(FLAGS, ['read'], { limits: { rate: '1/m' } })],
      handlers: { [`read ${FLAGS}`]: FLAG, [`read sys/internal/ui/mounts/${FLAGS}`]: MOUNT },
    },
  )
  const flags = await gateway.watch(FLAGS, { everyMs: 5_000 })
  const told: string[] = []
  flags.on('failing', ({ code }) => void told.push(code))
  flags.on('refused', ({ code }) => void told.push(code))
  await clock.advance(59_000)
  assert.deepEqual([...new Set(told)], ['ERR_PORTCULLIS_POLICY_LIMIT'])
  assert.equal(told.length, 1, 'it looks again no earlier than that is of use')
  assert.equal(flags.current().data.data instanceof Object, true)
  assert.equal(server.count(`read ${FLAGS}`), 1)
  await clock.advance(10_000)
  assert.equal(server.count(`read ${FLAGS}`), 2)
})
