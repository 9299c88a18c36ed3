import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { callback, type Gateway, ServerError } from 'portcullis'
import { createGateway } from '../../lib/gateway.ts'
import type { JsonObject } from '../../lib/model/json.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import type { Transport, TransportRequest } from '../../lib/ports/transport.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { counting } from '../pipeline/support.ts'

const PATH = 'database/creds/app'

/** A server of one role, on the test's clock, that can be told to misbehave. */
interface Double {
  readonly transport: Transport
  readonly sent: TransportRequest[]
  minted: number
  /** How long a renewal grants; a status refuses it. */
  renewal: { readonly ttlMs: number } | { readonly status: number }
  /** A status refuses to mint. */
  mint: { readonly ttlMs: number; readonly renewable: boolean } | { readonly status: number }
  lookup: { readonly ttl: number } | { readonly status: number }
  paths(): readonly string[]
}

function double(): Double {
  const self: Double = {
    sent: [],
    minted: 0,
    renewal: { ttlMs: 60_000 },
    mint: { ttlMs: 60_000, renewable: true },
    lookup: { ttl: 60 },
    paths: () => self.sent.map(({ path }) => path),
    transport: {
      address: 'double',
      close: async () => {},
      async send(request): Promise<ServerAnswer> {
        self.sent.push(request)
        return answered(self, request)
      },
    },
  }
  return self
}

function answered(self: Double, request: TransportRequest): ServerAnswer {
  const { operation, path } = request
  const refuse = (status: number): never => {
    throw new ServerError('ERR_PORTCULLIS_SERVER_FAILED', 'refused', { operation, path, status })
  }
  if (path === 'sys/leases/renew') {
    if ('status' in self.renewal) return refuse(self.renewal.status)
    return answerWith({ leaseId: 'same', leaseDurationMs: self.renewal.ttlMs, renewable: true })
  }
  if (path === 'sys/leases/lookup') {
    if ('status' in self.lookup) return refuse(self.lookup.status)
    return answerWith({ data: { ttl: self.lookup.ttl } })
  }
  if (path !== PATH) return answerWith({ status: 204 })
  if ('status' in self.mint) return refuse(self.mint.status)
  self.minted += 1
  const { ttlMs: leaseDurationMs, renewable } = self.mint
  const data: JsonObject = { username: `user-${self.minted}`, password: 'p' }
  return answerWith({ leaseId: `${PATH}/${self.minted}`, leaseDurationMs, renewable, data })
}

interface World {
  readonly gateway: Gateway
  readonly clock: FakeClock
  readonly server: Double
}

async function world(t: TestContext, leases: object = {}): Promise<World> {
  const server = double()
  const clock = new FakeClock()
  const gateway = await createGateway(
    {
      server: server.transport,
      auth: counting(Infinity),
      dangerouslyAllowEverything: true,
      audit: { devices: [callback('none', () => {})] },
      leases: { verifyAfterMs: Infinity, ...leases },
    },
    { clock, random: fixedRandom(), telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  return { gateway, clock, server }
}

test('a held lease is renewed again and again, and stays the same', async (t) => {
  const { gateway, clock, server } = await world(t)
  const lease = await gateway.lease(PATH)
  for (let i = 0; i < 60; i += 1) {
    await clock.advance(10_000)
    assert.equal(lease.current().data.username, 'user-1')
    assert.ok(lease.current().ttlMs > 0)
  }
  assert.equal(server.minted, 1)
})

test('where renewals grant less than was left, a successor is there before the end', async (t) => {
  const { gateway, clock, server } = await world(t)
  const lease = await gateway.lease(PATH)
  server.renewal = { ttlMs: 10_000 }
  for (let i = 0; i < 100; i += 1) {
    await clock.advance(1_000)
    assert.ok(lease.current().ttlMs > 0)
  }
  assert.ok(lease.generation >= 2)
})

test('a renewal that fails is tried again, and the lease is rotated when none succeeds', async (t) => {
  const { gateway, clock, server } = await world(t)
  const lease = await gateway.lease(PATH)
  server.renewal = { status: 503 }
  for (let i = 0; i < 60; i += 1) {
    await clock.advance(1_000)
    assert.ok(lease.current().ttlMs > 0)
  }
  assert.ok(server.paths().filter((path) => path === 'sys/leases/renew').length >= 2)
  assert.equal(lease.current().data.username, 'user-2')
})

test('with the server down a held lease ends at its end, says so once, and comes back with the server', async (t) => {
  const { gateway, clock, server } = await world(t)
  const lease = await gateway.lease(PATH)
  const ends: string[] = []
  lease.on('ended', ({ how }) => void ends.push(how))
  server.renewal = { status: 503 }
  server.mint = { status: 503 }
  await clock.advance(61_000)
  assert.throws(() => lease.current(), { code: 'ERR_PORTCULLIS_LEASE_EXPIRED' })
  assert.deepEqual(ends, ['expired'])

  server.mint = { ttlMs: 60_000, renewable: true }
  await clock.advance(31_000)
  assert.equal(lease.current().data.username, 'user-2')
})

test('the successor is prepared before it is current, and the predecessor released after its users have gone', async (t) => {
  const { gateway, clock, server } = await world(t)
  server.mint = { ttlMs: 60_000, renewable: false }
  const lease = await gateway.lease(PATH)
  const steps: string[] = []
  let leave = (): void => {}
  lease.onRotate({
    prepare: (next) => void steps.push(`prepare ${next.data.username} over ${lease.current().data.username}`),
    commit: async (previous) => {
      steps.push(`commit ${previous.data.username} under ${lease.current().data.username}`)
      await new Promise<void>((resolve) => {
        leave = resolve
      })
    },
  })
  await clock.advance(56_000)
  assert.deepEqual(steps, ['prepare user-2 over user-1', 'commit user-1 under user-2'])
  assert.equal(server.paths().includes('sys/leases/revoke'), false)
  leave()
  await clock.advance(1)
  assert.equal(server.paths().includes('sys/leases/revoke'), true)
})

test('a successor that a holder cannot use is given back, and the old value stays', async (t) => {
  const { gateway, clock, server } = await world(t)
  server.mint = { ttlMs: 60_000, renewable: false }
  const lease = await gateway.lease(PATH)
  const abandoned: unknown[] = []
  const off = lease.onRotate({
    prepare: () => Promise.reject(new Error('does not log in')),
    abandon: ({ data }) => void abandoned.push(data.username),
  })
  await clock.advance(55_000)
  assert.equal(lease.current().data.username, 'user-1')
  assert.equal(abandoned[0], 'user-2')
  assert.ok(server.paths().includes('sys/leases/revoke'))
  off()
  await clock.advance(4_500)
  assert.notEqual(lease.current().data.username, 'user-1')
})

test('what a read gave away is never revoked under its user', async (t) => {
  const { gateway, server } = await world(t)
  await gateway.read(PATH)
  const lease = await gateway.lease(PATH)
  await lease.close()
  assert.equal(server.paths().includes('sys/leases/revoke'), false)
})

test('a lease that nobody asks for is no longer renewed; asked for again, it is', async (t) => {
  const { gateway, clock, server } = await world(t)
  await gateway.read(PATH)
  await clock.advance(600_000)
  const renewals = server.paths().filter((path) => path === 'sys/leases/renew').length
  assert.ok(renewals <= 2, `${renewals} renewals for nobody`)
  assert.equal(server.minted, 1)
  for (let i = 0; i < 20; i += 1) {
    await gateway.read(PATH)
    await clock.advance(20_000)
  }
  assert.equal(server.minted, 2)
})

test('a wall clock that jumps ahead makes a lease doubtful: it is looked up once, and not minted anew', async (t) => {
  const { gateway, clock, server } = await world(t)
  await gateway.read(PATH)
  clock.jumpWall(3_600_000)
  const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.read(PATH)))
  assert.equal(new Set(answers.map(({ data }) => data.username)).size, 1)
  assert.equal(server.minted, 1)
  assert.equal(server.paths().filter((path) => path === 'sys/leases/lookup').length, 1)
})

test('a lease in doubt that the server no longer knows is not served, and 20 who ask get one new one', async (t) => {
  const { gateway, clock, server } = await world(t)
  await gateway.read(PATH)
  clock.jumpWall(3_600_000)
  server.lookup = { status: 400 }
  const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.read(PATH)))
  assert.deepEqual([...new Set(answers.map(({ data }) => data.username))], ['user-2'])
  assert.equal(server.minted, 2)
})

test('a wall clock that jumps back changes nothing', async (t) => {
  const { gateway, clock, server } = await world(t)
  const lease = await gateway.lease(PATH)
  clock.jumpWall(-3_600_000)
  await clock.advance(300_000)
  assert.equal(lease.current().data.username, 'user-1')
  assert.equal(server.minted, 1)
})

test('a loop that mints is stopped by the cap of its path', async (t) => {
  const { gateway, server } = await world(t, { maxPerPath: 3 })
  for (let i = 0; i < 3; i += 1) await gateway.read(PATH, { query: { n: i } })
  await assert.rejects(gateway.read(PATH, { query: { n: 9 } }), { code: 'ERR_PORTCULLIS_LEASE_BUDGET' })
  assert.equal(server.minted, 3)
})

test('1,000 leases minted in one burst are renewed no faster than the governor, and all before their grace', async (t) => {
  const { gateway, clock, server } = await world(t, { maxPerPath: Infinity, renewalsPerSecond: 100 })
  server.mint = { ttlMs: 600_000, renewable: true }
  server.renewal = { ttlMs: 600_000 }
  const leases = await Promise.all(Array.from({ length: 1_000 }, (_, n) => gateway.lease(PATH, { query: { n } })))
  let before = 0
  let most = 0
  for (let second = 0; second < 540; second += 1) {
    await clock.advance(1_000)
    const renewals = server.paths().filter((path) => path === 'sys/leases/renew').length
    most = Math.max(most, renewals - before)
    before = renewals
  }
  assert.equal(before, 1_000)
  assert.ok(most <= 200, `${most} renewals in one second`)
  assert.ok(leases.every((lease) => lease.generation === 1 && lease.current().ttlMs > 60_000))
})

test('a lease that ended on its way here is given to nobody, not even to who led its flight', async (t) => {
  const { gateway, clock, server } = await world(t)
  const { send } = server.transport
  server.mint = { ttlMs: 3_000, renewable: false }
  server.transport.send = async (request, options) => {
    const answer = await send(request, options)
    if (request.path === PATH && server.minted === 1) clock.freeze(6_000)
    return answer
  }
  const { data, ttlMs } = await gateway.read(PATH)
  assert.equal(data.username, 'user-2')
  assert.ok(ttlMs > 0)
})
