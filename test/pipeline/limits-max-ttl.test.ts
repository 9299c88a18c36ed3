import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PolicyDeniedError } from '../../lib/errors/index.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import type { TransportRequest } from '../../lib/ports/transport.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { allow, type Handler, minting, type Opened, type OpenOptions, open, policy, readable } from './support.ts'

const DB = 'database/creds/app'
const STS = 'aws/sts/app'
const REVOKE = 'write sys/leases/revoke'
const RENEW = 'write sys/leases/renew'
const HOUR_MS = 3_600_000
const byUser = (name: string): object => ({ properties: { user: { const: name } }, required: ['user'] })
const byRoot = { properties: { service: { const: 'app' } }, required: ['service'], maxProperties: 1 }

interface World extends Opened {
  readonly mint: Handler & { minted: number }
  /** Ids of leases that the server was told to revoke, in order. */
  revoked(): readonly string[]
}

const OK = answerWith({ status: 204 })
const renewal = (leaseDurationMs: number): ServerAnswer =>
  answerWith({ leaseId: 'same', leaseDurationMs, renewable: true })
const bodyOf = ({ body }: TransportRequest): Readonly<Record<string, unknown>> => JSON.parse(body ?? '{}')

/** A gateway before a role whose leases live for `ttlMs`, an hour by default. */
async function world(t: TestContext, limits: object, options: OpenOptions = {}, ttlMs = HOUR_MS): Promise<World> {
  const mint = minting(ttlMs)
  const handlers = {
    ...{ [`read ${DB}`]: mint, [`write ${STS}`]: minting(ttlMs, STS), [REVOKE]: OK, [RENEW]: renewal(ttlMs) },
    'write sys/leases/lookup': answerWith({ data: { ttl: ttlMs / 1000 } }),
  }
  const policies = [allow('*', ['read', 'write'], { limits })]
  const opened = await open(t, { policies, ...options, handlers: { ...handlers, ...options.handlers } })
  const revoked = (): readonly string[] =>
    opened.server.requests
      .filter(({ path }) => path === 'sys/leases/revoke')
      .map((request) => String(bodyOf(request).lease_id).split('/').at(-1) ?? '')
  return { ...opened, mint, revoked }
}

test('a lease that is held is rotated before maxTtl after its issue, and its predecessor is released', async (t) => {
  const { gateway, clock, mint, revoked } = await world(t, { maxTtl: '3s' })
  const lease = await gateway.lease(DB)
  const issuedAtMs = new Map([[1, clock.now()]])
  for (let step = 0; step < 100; step += 1) {
    await clock.advance(100)
    const n = Number(String(lease.current().data.username).split('-')[1])
    if (!issuedAtMs.has(n)) issuedAtMs.set(n, clock.now())
    assert.ok(clock.now() - (issuedAtMs.get(n) ?? 0) < 3_000, 'held beyond')
    assert.ok(lease.current().ttlMs <= 3_000)
  }
  assert.equal(mint.minted, 6)
  assert.deepEqual(revoked(), ['1', '2', '3', '4', '5'])
  await lease.close()
  assert.deepEqual(revoked(), ['1', '2', '3', '4', '5', '6'])
  await clock.advance(60_000)
  assert.equal(revoked().length, 6, 'each is given back once')
})

test('a lease that is read is served no longer, tells so, and is revoked then, also under who read it', async (t) => {
  const { gateway, clock, revoked } = await world(t, { maxTtl: '30s' })
  assert.equal((await gateway.read(DB)).ttlMs, 30_000)
  await clock.advance(10_000)
  const hit = await gateway.read(DB)
  assert.deepEqual([hit.source, hit.ttlMs, hit.data.username], ['cache', 20_000, 'user-1'])
  await clock.advance(19_999)
  assert.deepEqual(revoked(), [])
  await clock.advance(2)
  assert.deepEqual(revoked(), ['1'])
  assert.notEqual((await gateway.read(DB)).data.username, 'user-1')
})

test('renewals never ask for time beyond it', async (t) => {
  const asked: { readonly atMs: number; readonly increment: number }[] = []
  const granting: Handler = (request) => {
    const increment = Number(bodyOf(request).increment)
    asked.push({ atMs: clock.now(), increment })
    return renewal(increment * 1000)
  }
  const options = { leases: { verifyAfterMs: Infinity }, handlers: { [RENEW]: granting } }
  const { gateway, clock, mint } = await world(t, { maxTtl: '100s' }, options, 30_000)
  const lease = await gateway.lease(DB)
  const endMs = clock.now() + 100_000
  for (let second = 0; mint.minted === 1; second += 1) {
    await clock.advance(1_000)
    assert.ok(lease.current().ttlMs > 0)
    assert.ok(second < 100, 'it is rotated before')
  }
  for (const { atMs, increment } of asked) assert.ok(atMs + increment * 1000 <= endMs, `${increment}`)
  assert.equal(asked[0]?.increment, 30)
  assert.ok((asked.at(-1)?.increment ?? 30) < 30, 'and the last one for less')
})

test('each caller is judged by its own: the stricter one has a lease of its own, and neither has it minted for the other', async (t) => {
  const policies = [
    policy('app', [readable(DB)], byRoot),
    policy('a', [readable(DB, { limits: { maxTtl: '5s' } })], byUser('a')),
    policy('b', [readable(DB, { limits: { maxTtl: '1h' } })], byUser('b')),
  ]
  const { gateway, clock, mint, revoked } = await world(t, {}, { policies, caller: { service: 'app' } })
  const [a, b] = [gateway.as({ user: 'a' }), gateway.as({ user: 'b' })]
  const loose = (await b.read(DB)).data.username
  const strict = (await a.read(DB)).data.username
  assert.notEqual(loose, strict)
  assert.equal((await gateway.as({ user: 'a' }).read(DB)).data.username, strict)
  const free = (await gateway.read(DB)).data.username
  assert.equal(mint.minted, 3)
  for (let second = 0; second < 60; second += 1) {
    await clock.advance(1_000)
    assert.ok((await a.read(DB)).ttlMs <= 5_000)
    assert.deepEqual([(await b.read(DB)).data.username, (await gateway.read(DB)).data.username], [loose, free])
  }
  assert.ok(!revoked().includes('1') && !revoked().includes('3') && revoked().length >= 10)
})

test('of a chain the least counts', async (t) => {
  const policies = [
    policy('app', [readable(DB, { limits: { maxTtl: '10s' } })], byRoot),
    policy('a', [readable(DB, { limits: { maxTtl: '20s' } })], byUser('a')),
  ]
  const { gateway } = await world(t, {}, { policies, caller: { service: 'app' } })
  assert.equal((await gateway.as({ user: 'a' }).read(DB)).ttlMs, 10_000)
})

test('a holder whose successor cannot be had has nothing beyond it, and gets one when that can be had again', async (t) => {
  const { gateway, clock, server, mint, revoked } = await world(t, { maxTtl: '10s' })
  const lease = await gateway.lease(DB)
  const ends: string[] = []
  lease.on('ended', ({ how }) => void ends.push(how))
  server.on(`read ${DB}`, refuse(503) as Handler)
  await clock.advance(9_999)
  assert.equal(lease.current().data.username, 'user-1')
  await clock.advance(2)
  assert.throws(() => lease.current(), { code: 'ERR_PORTCULLIS_LEASE_EXPIRED' })
  assert.deepEqual(ends, ['expired'])
  assert.deepEqual(revoked(), ['1'])
  server.on(`read ${DB}`, mint)
  await clock.advance(60_000)
  assert.ok(lease.current().ttlMs > 0)
})

test('a machine that slept through it, or whose wall clock jumped ahead, serves nothing of before and looks nothing up for it', async (t) => {
  for (const jump of ['freeze', 'jumpWall'] as const) {
    const { gateway, clock, server, revoked } = await world(t, { maxTtl: '10m' })
    const lease = await gateway.lease(DB)
    clock[jump](600_000)
    assert.throws(() => lease.current(), { code: 'ERR_PORTCULLIS_LEASE_EXPIRED' })
    await clock.advance(1_000)
    assert.equal(lease.current().data.username, 'user-2', jump)
    assert.equal(server.count('write sys/leases/lookup'), 0)
    assert.deepEqual(revoked(), ['1'])
    await gateway.close()
  }
})

test('a lease that a write minted is revoked then, and its answer tells that end', async (t) => {
  const { gateway, clock, revoked } = await world(t, { maxTtl: '30s', leases: 1 })
  assert.equal((await gateway.write(STS, {})).ttlMs, 30_000)
  await clock.advance(30_001)
  assert.deepEqual(revoked(), ['1'])
  assert.equal((await gateway.write(STS, {})).data.username, 'user-2', 'there is room under its limit again')
})

test('what was revoked before is not revoked again', async (t) => {
  const { gateway, clock, revoked } = await world(t, { maxTtl: '30s' })
  await gateway.write(STS, {})
  await gateway.read(DB)
  await gateway.write('sys/leases/revoke', { lease_id: `${STS}/1` })
  await gateway.write('sys/leases/revoke', { lease_id: `${DB}/1` })
  await clock.advance(60_000)
  assert.deepEqual(revoked(), ['1', '1'])
})

test('a lease whose revocation fails then is told of as leaked', async (t) => {
  const { gateway, clock, events } = await world(
    t,
    { maxTtl: '30s' },
    { handlers: { [REVOKE]: refuse(403) as Handler } },
  )
  await gateway.write(STS, {})
  await gateway.read(DB)
  await clock.advance(30_001)
  const leaks = events.filter(({ name }) => name === 'leaked').map(({ event }) => (event as { path: string }).path)
  assert.deepEqual(leaks.sort(), [STS, DB].sort())
})

test('where predecessors cannot be released, rotations stop at twice the limit of leases, and are recorded as denials', async (t) => {
  const handlers = { [REVOKE]: refuse(403) as Handler }
  const { gateway, clock, entries, mint } = await world(t, { maxTtl: '10s', leases: 2 }, { handlers })
  const lease = await gateway.lease(DB)
  await clock.advance(120_000)
  assert.equal(mint.minted, 4)
  assert.throws(() => lease.current(), { code: 'ERR_PORTCULLIS_LEASE_EXPIRED' })
  const refused = entries.filter(({ decision }) => decision.reason === 'leases')
  assert.ok(refused.length > 0 && refused.every(({ type }) => type === 'request'))
})

test("what a caller's own token got is served no longer, and left to that token", async (t) => {
  const self = answerWith({ data: { ttl: 3_600, type: 'service' } })
  const { gateway, clock, revoked } = await world(
    t,
    { maxTtl: '30s' },
    { handlers: { 'read auth/token/lookup-self': self } },
  )
  const own = gateway.as({}, { token: 's.own' })
  const first = await own.read(DB)
  assert.equal(first.ttlMs, 30_000)
  await clock.advance(29_999)
  assert.equal((await own.read(DB)).data.username, first.data.username)
  await clock.advance(1)
  assert.notEqual((await own.read(DB)).data.username, first.data.username)
  assert.deepEqual(revoked(), [])
})

test('close() revokes what would be revoked later', async (t) => {
  const { gateway, clock, revoked } = await world(t, { maxTtl: '30s' })
  await gateway.read(DB)
  await gateway.write(STS, {})
  await gateway.close()
  assert.deepEqual(revoked(), ['1', '1'])
  assert.equal(clock.pending, 0)
})

test('a certificate that is held is rotated before it, too', async (t) => {
  let serial = 0
  const issue: Handler = () => {
    serial += 1
    const expiration = Date.UTC(2026, 0, 2) / 1000
    return answerWith({ data: { certificate: 'c', serial_number: `${serial}`, expiration } })
  }
  const handlers = { 'write pki/issue/web': issue }
  const { gateway, clock } = await world(t, { maxTtl: '10m' }, { handlers })
  const lease = await gateway.lease('pki/issue/web', { method: 'write', data: {} })
  for (let minute = 0; minute < 25; minute += 1) {
    await clock.advance(60_000)
    assert.ok(lease.current().ttlMs <= 600_000)
  }
  assert.equal(serial, 3)
})

test('a stricter rule that comes into force ends what is held under the old one, and what follows it', async (t) => {
  const { gateway, clock, mint, revoked } = await world(t, { rate: '100/s' })
  const lease = await gateway.lease(DB)
  await clock.advance(60_000)
  await gateway.reloadPolicies([allow('*', ['read'], { limits: { maxTtl: '5s' } })])
  await clock.advance(1_000)
  assert.equal(lease.current().data.username, 'user-2')
  assert.deepEqual(revoked(), ['1'])
  for (let second = 0; second < 20; second += 1) {
    await clock.advance(1_000)
    assert.ok(lease.current().ttlMs <= 5_000)
  }
  assert.ok(mint.minted >= 5)
})

test('a lease whose first holder may have it longer is rotated by the stricter one that is left', async (t) => {
  const of = (a: string, b: string): object[] => [
    policy('app', [readable(DB, { limits: { maxTtl: '1h' } })], byRoot),
    policy('a', [readable(DB, { limits: { maxTtl: a } })], byUser('a')),
    policy('b', [readable(DB, { limits: { maxTtl: b } })], byUser('b')),
  ]
  const { gateway, clock, mint } = await world(t, {}, { policies: of('1h', '1h'), caller: { service: 'app' } })
  const [a, b] = [await gateway.as({ user: 'a' }).lease(DB), await gateway.as({ user: 'b' }).lease(DB)]
  assert.equal(mint.minted, 1)
  await gateway.reloadPolicies(of('1h', '10s'))
  for (let second = 0; second < 60; second += 1) {
    await clock.advance(1_000)
    assert.ok(b.current().ttlMs <= 10_000)
    assert.ok(a.current().ttlMs > 0)
  }
})

test('what is stored, and the password of a static role, is not issued: maxTtl does not touch it', async (t) => {
  const role = { username: 'app', password: 'p', ttl: 3_600, rotation_period: 86_400 }
  const { gateway, clock, server } = await world(
    t,
    { maxTtl: '5s' },
    {
      handlers: { 'read database/static-creds/app': answerWith({ data: role }) },
    },
  )
  const held = await gateway.lease('database/static-creds/app')
  await clock.advance(60_000)
  assert.ok(held.current().ttlMs > 5_000)
  assert.equal(server.count('read database/static-creds/app'), 1)
})

test('a wrapped answer would hide its lease, so it is refused', async (t) => {
  const { gateway, server } = await world(t, { maxTtl: '5s' })
  await assert.rejects(gateway.read(DB, { wrapTtlMs: 1_000 }), (error: PolicyDeniedError) => {
    assert.ok(error instanceof PolicyDeniedError)
    assert.equal(error.decision.reason, 'wrapping')
    return true
  })
  assert.equal(server.requests.length, 0)
})
