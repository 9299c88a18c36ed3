import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PolicyDeniedError } from '../../lib/errors/index.ts'
import type { Gateway } from '../../lib/model/gateway.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import {
  allow,
  foreign,
  gate,
  type Handler,
  minting,
  type Opened,
  type OpenOptions,
  open,
  policy,
  readable,
  shape,
} from './support.ts'

const DB = 'database/creds/app'
const STS = 'aws/sts/app'
const REVOKE = 'write sys/leases/revoke'
const RENEW = 'write sys/leases/renew'
const OK = answerWith({ status: 204 })
const mountOf = (path: string, type: string): Readonly<Record<string, ServerAnswer>> => ({
  [`read sys/internal/ui/mounts/${path}`]: answerWith({
    data: { path: `${path.split('/')[0]}/`, type },
  }),
})
const byUser = { properties: { user: { type: 'string' } }, required: ['user'] }
const byRoot = { properties: { service: { const: 'app' } }, required: ['service'], maxProperties: 1 }

interface World extends Opened {
  readonly mint: Handler & { minted: number }
}

/** A gateway whose rule lets `leases` of them live, on the paths of two engines. */
async function world(t: TestContext, leases: number, options: OpenOptions = {}, ttlMs = 60_000): Promise<World> {
  const mint = minting(ttlMs)
  const policies = [allow('*', ['read', 'write'], { limits: { leases } })]
  const handlers = {
    [`read ${DB}`]: mint,
    [`write ${STS}`]: minting(ttlMs, STS),
    [REVOKE]: OK,
    [RENEW]: answerWith({ leaseId: 'same', leaseDurationMs: ttlMs, renewable: true }),
  }
  const opened = await open(t, { policies, ...options, handlers: { ...handlers, ...options.handlers } })
  return { ...opened, mint }
}

const role = (gateway: Gateway, n: number) => gateway.read(DB, { query: { n } })

async function refusal(work: Promise<unknown>): Promise<PolicyDeniedError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof PolicyDeniedError, String(error))
  assert.equal(error.decision.reason, 'leases')
  return error
}

test('so many leases live at once; another is refused, recorded as a denial, and nothing of it is sent', async (t) => {
  const { gateway, server, entries, events, clock } = await world(t, 2)
  await role(gateway, 1)
  await clock.advance(10_000)
  await role(gateway, 2)
  const before = foreign(entries).length
  const error = await refusal(role(gateway, 3))
  assert.equal(error.code, 'ERR_PORTCULLIS_POLICY_LIMIT')
  assert.deepEqual([error.temporary, error.retryAfterMs], [true, 50_000])
  const message = 'the rule lets 2 leases live at once (leases)'
  assert.equal(error.message, `read ${DB} denied by policy test, rule it: ${message}`)
  assert.equal(server.count(`read ${DB}`), 2)
  assert.deepEqual(shape(foreign(entries).slice(before)), ['request deny ERR_PORTCULLIS_POLICY_LIMIT'])
  assert.deepEqual(foreign(entries).at(-1)?.decision, {
    ...{ effect: 'deny', reason: 'leases', policy: 'test', rule: 'it', keyword: 'leases' },
  })
  assert.equal(events.filter(({ name }) => name === 'denied').length, 1)
})

test('what is served from the cache, or shared with who asks at the same time, mints nothing', async (t) => {
  const { gateway, mint } = await world(t, 1)
  const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.read(DB)))
  assert.equal(new Set(answers.map(({ data }) => data.username)).size, 1)
  assert.equal((await gateway.read(DB)).source, 'cache')
  assert.equal(mint.minted, 1)
  await refusal(role(gateway, 1))
})

test('a burst mints no more than the limit, whatever is under way', async (t) => {
  const { gateway, mint } = await world(t, 5)
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => role(gateway, n)))
  assert.equal(mint.minted, 5)
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 5)
})

test('what fails to mint leaves its room to those who wait for it', async (t) => {
  const { opened, open: answer } = gate()
  const mint = minting(60_000)
  const failsFirst: Handler = async (request, options) => {
    if (request.query.n !== '0') return mint(request, options)
    await opened
    throw new Error('the server failed')
  }
  const { gateway } = await world(t, 1, { handlers: { [`read ${DB}`]: failsFirst } })
  const work = Promise.allSettled([role(gateway, 0), role(gateway, 1), role(gateway, 2)])
  answer()
  assert.deepEqual(
    (await work).map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected'],
  )
  assert.equal(mint.minted, 1)
})

test('a caller that gives up while it waits for room mints nothing later', async (t) => {
  const { opened, open: answer } = gate()
  const mint = minting(60_000)
  const failsFirst: Handler = async (request, options) => {
    if (request.query.n !== '0') return mint(request, options)
    await opened
    throw new Error('the server failed')
  }
  const { gateway } = await world(t, 1, { handlers: { [`read ${DB}`]: failsFirst } })
  const first = role(gateway, 0)
  const leaving = new AbortController()
  const second = gateway.read(DB, { query: { n: 1 }, signal: leaving.signal })
  leaving.abort(new Error('gone'))
  await assert.rejects(second, /gone/)
  answer()
  await assert.rejects(first)
  await role(gateway, 2)
  assert.equal(mint.minted, 1)
})

test('there is room again when a lease has ended, or was revoked through the gateway', async (t) => {
  const { gateway, clock, mint } = await world(t, 1, { handlers: { [RENEW]: refuse(403) as Handler } })
  await role(gateway, 1)
  await clock.advance(600_000)
  await role(gateway, 2)
  await refusal(role(gateway, 3))
  await gateway.write('sys/leases/revoke', { lease_id: `${DB}/${mint.minted}` })
  await role(gateway, 3)
  await refusal(role(gateway, 4))
})

test('leases that writes mint are counted from the first on', async (t) => {
  const { gateway, clock, server } = await world(t, 2)
  await gateway.write(STS, {})
  await gateway.write(STS, {})
  const error = await refusal(gateway.write(STS, {}))
  assert.equal(error.retryAfterMs, 60_000)
  assert.equal(server.count(`write ${STS}`), 2)
  await refusal(role(gateway, 1))
  await gateway.write('sys/leases/revoke', { lease_id: `${STS}/1` })
  await gateway.write(STS, {})
  await refusal(gateway.write(STS, {}))
  await clock.advance(60_000)
  await gateway.write(STS, {})
})

test('what mints nothing is not refused: kv read and written, transit, a revocation, a login', async (t) => {
  const { gateway } = await world(t, 1, {
    handlers: {
      ...mountOf('kv/a', 'kv'),
      ...mountOf('kv/b', 'kv'),
      ...mountOf('transit/encrypt/a', 'transit'),
      'read kv/a': answerWith({ data: { a: 1 } }),
      'write kv/b': OK,
      'write transit/encrypt/a': answerWith({ data: { ciphertext: 'c' } }),
      'write auth/x/login': answerWith({}),
    },
  })
  await role(gateway, 1)
  await refusal(role(gateway, 2))
  const reads = Array.from({ length: 5 }, (_, version) => gateway.read('kv/a', { query: { version } }))
  assert.equal((await Promise.all(reads)).length, 5)
  await gateway.write('kv/b', {})
  await gateway.write('transit/encrypt/a', {})
  await gateway.login('auth/x/login', {})
  await gateway.write('sys/leases/revoke', { lease_id: 'a/b' })
})

test('leases of callers below one count for it too, and one refusal takes up nothing of the chain', async (t) => {
  const policies = [
    policy('app', [readable(DB, { limits: { leases: 3 } })], byRoot),
    policy('users', [readable(DB, { limits: { leases: 2 } })], byUser),
  ]
  const { gateway, mint } = await world(t, 0, { policies, caller: { service: 'app' } })
  const [a, b] = [gateway.as({ user: 'a' }), gateway.as({ user: 'b' })]
  for (const n of [1, 2]) await role(a, n)
  for (const n of [3, 4, 5]) assert.equal((await refusal(role(a, n))).decision.policy, 'users')
  await role(b, 6)
  const above = await refusal(role(b, 7))
  assert.equal(above.decision.policy, 'app')
  assert.match(
    above.message,
    /3 leases live at once, for a caller above this one together with all below it \(leases\)$/,
  )
  assert.equal((await role(gateway.as({ user: 'c' }), 1)).source, 'cache')
  assert.equal(mint.minted, 3)
})

test('who is refused refuses nobody who asks for the same at that moment', async (t) => {
  const policies = [
    policy('app', [readable(DB)], byRoot),
    policy('users', [readable(DB, { limits: { leases: 1 } })], byUser),
  ]
  const { gateway } = await world(t, 0, { policies, caller: { service: 'app' } })
  const [full, free] = [gateway.as({ user: 'full' }), gateway.as({ user: 'free' })]
  await role(full, 1)
  const outcomes = await Promise.allSettled([role(full, 2), role(free, 2), role(gateway, 2), role(full, 3)])
  // What another fetches anyway costs who is full nothing.
  const statuses = outcomes.map(({ status }) => status)
  assert.deepEqual(statuses, ['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  assert.equal((await role(full, 2)).source, 'cache')
})

test('a hold that is closed makes room for another', async (t) => {
  const { gateway, mint, server } = await world(t, 1)
  const first = await gateway.lease(DB, { query: { n: 1 } })
  await refusal(gateway.lease(DB, { query: { n: 2 } }))
  await first.close()
  assert.equal(server.count(REVOKE), 1)
  await gateway.lease(DB, { query: { n: 2 } })
  assert.equal(mint.minted, 2)
})

test('what is held is rotated at the limit, and the predecessor makes room when it is released', async (t) => {
  const renewal = answerWith({ leaseId: 'same', leaseDurationMs: 1_000, renewable: true })
  const { gateway, clock, mint } = await world(t, 1, { handlers: { [RENEW]: renewal } })
  const lease = await gateway.lease(DB, { query: { n: 1 } })
  await clock.advance(600_000)
  assert.ok(lease.generation > 2)
  assert.ok(lease.current().ttlMs > 0)
  await refusal(role(gateway, 2))
  await lease.close()
  const before = mint.minted
  await role(gateway, 2)
  assert.equal(mint.minted, before + 1)
})

test("leases that a caller's own token got are counted like others", async (t) => {
  const self = answerWith({ data: { ttl: 3_600, renewable: true, policies: [], type: 'service' } })
  const { gateway } = await world(t, 1, { handlers: { 'read auth/token/lookup-self': self } })
  const own = gateway.as({}, { token: 's.own' })
  await role(own, 1)
  await refusal(role(own, 2))
  await refusal(role(gateway, 2))
})

test('counting goes on when policies are reloaded, by the new limits', async (t) => {
  const { gateway } = await world(t, 2)
  await role(gateway, 1)
  await gateway.reloadPolicies([allow('*', ['read'], { limits: { leases: 1 } })])
  await refusal(role(gateway, 2))
  await gateway.reloadPolicies([allow('*', ['read'], { limits: { leases: 2 } })])
  await role(gateway, 2)
  await refusal(role(gateway, 3))
})

test('a wrapped answer would hide its lease, so it is refused; so is what is only asked about not counted', async (t) => {
  const { gateway, server } = await world(t, 1)
  await assert.rejects(gateway.read(DB, { wrapTtlMs: 60_000 }), (error: PolicyDeniedError) => {
    assert.deepEqual([error.decision.reason, error.decision.pointer], ['wrapping', '/wrapTtl'])
    return true
  })
  for (let n = 0; n < 3; n += 1) {
    await gateway.read(DB, { dryRun: true })
    gateway.explain({ operation: 'read', path: DB })
  }
  assert.deepEqual(server.sent(), [])
  await role(gateway, 1)
})
