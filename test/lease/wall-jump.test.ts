import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { createGateway } from '../../lib/gateway.ts'
import type { Gateway } from '../../lib/model/gateway.ts'
import type { Lease } from '../../lib/model/lease.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { userpass } from '../../lib/session/auth/userpass.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { createFakeServer, type FakeServer } from '../../lib/testing/fake-server.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'

const LEASES = 1_000
const HELD = 100
const DB = 'database/creds/app'
const HOUR_MS = 3_600_000

interface Fleet {
  readonly gateway: Gateway
  readonly server: FakeServer
  readonly clock: FakeClock
  readonly held: readonly Lease[]
}

/** A thousand leases of one gateway, a tenth of them held; the others were read. */
async function fleet(t: TestContext): Promise<Fleet> {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/app', { default_ttl: '10m', max_ttl: '24h' })
  server.root('POST', 'sys/policies/acl/app', { policy: `path "${DB}" { capabilities = ["read"] }` })
  server.root('POST', 'sys/auth/userpass', { type: 'userpass' })
  server.root('POST', 'auth/userpass/users/app', { password: 'p', token_policies: ['app'], token_ttl: '768h' })
  const gateway = await createGateway(
    {
      server: server.transport(),
      auth: userpass({ username: 'app', password: 'p' }),
      dangerouslyAllowEverything: true,
      audit: { devices: [callback('none', () => {})] },
      leases: { maxPerPath: Infinity },
    },
    { clock, random: fixedRandom(7), telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  const held: Lease[] = []
  for (let n = 0; n < LEASES; n += 1) {
    if (n < HELD) held.push(await gateway.lease(DB, { query: { n } }))
    else await gateway.read(DB, { query: { n } })
  }
  return { gateway, server, clock, held }
}

/** Everybody asks for his, and each value given is one that lives at the server. */
async function useAll({ gateway, server, held }: Fleet): Promise<void> {
  const reads = Array.from({ length: LEASES - HELD }, (_, n) => gateway.read(DB, { query: { n: n + HELD } }))
  const given = (await Promise.all(reads)).map(({ leaseId, ttlMs }) => ({ leaseId, ttlMs }))
  for (const lease of held) {
    try {
      const { leaseId, ttlMs } = lease.current()
      given.push({ leaseId, ttlMs })
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ERR_PORTCULLIS_LEASE_EXPIRED')
    }
  }
  const living = new Set(server.leases().map(({ id }) => id))
  for (const { leaseId, ttlMs } of given) assert.ok(living.has(leaseId) && ttlMs > 0, `${leaseId} has ended`)
}

async function useFor(it: Fleet, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    const [, used] = await Promise.all([it.clock.advance(1_000), useAll(it)])
    assert.equal(used, undefined)
  }
}

const count = ({ requests }: FakeServer, since: number, path: string): number =>
  requests.slice(since).filter((request) => request.path === path).length

for (const jumpMs of [-HOUR_MS, HOUR_MS, -30_000, 30_000, 700_000]) {
  test(`the wall clock jumps by ${jumpMs / 1_000} s: 1,000 leases in use go on, nothing dead is served, and no storm comes of it`, async (t) => {
    const it = await fleet(t)
    const { clock, server, held } = it
    assert.equal(server.mints(DB), LEASES)
    const since = server.requests.length
    clock.jumpWall(jumpMs)
    await useFor(it, 3)
    const looked = count(server, since, 'sys/leases/lookup')
    // The clocks have to agree again about each: one look-up for each lease that seems to be over, and one of the token.
    assert.ok(looked <= LEASES, `${looked} look-ups`)
    assert.equal(server.mints(DB), LEASES, 'new ones were minted')
    assert.ok(server.requests.length - since <= LEASES + 10, `${server.requests.length - since} requests`)
    for (const lease of held) assert.equal(lease.generation, 1)
    for (const lease of held) assert.ok(lease.current().ttlMs > 0)
  })
}

test('frozen for longer than every lease: each is replaced once, by who uses it, and none that ended is served', async (t) => {
  const it = await fleet(t)
  const { clock, server, held } = it
  const since = server.requests.length
  clock.freeze(700_000)
  await useFor(it, 5)
  assert.equal(server.mints(DB), 2 * LEASES)
  const sent = server.requests.length - since
  assert.ok(sent <= 2 * LEASES + 50, `${sent} requests for ${LEASES} leases`)
  for (const lease of held) assert.ok(lease.current().ttlMs > 0)
})
