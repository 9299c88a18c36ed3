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

const STATIC = 'database/static-creds/app'
const PKI = 'pki/issue/web'
const CERTIFICATE_MS = 60_000
/** Wait after the end, its spread, a rounded second, and the step of this test. */
const LAG_MS = 1_000 + 2_000 + 1_000 + 500

interface World {
  readonly gateway: Gateway
  readonly server: FakeServer
  readonly clock: FakeClock
  sent(path: string): number
}

async function world(t: TestContext): Promise<World> {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/static-roles/app', { username: 'app', rotation_period: '10s' })
  server.root('POST', 'sys/mounts/pki', { type: 'pki' })
  const acl = `path "${STATIC}" { capabilities = ["read"] }\npath "${PKI}" { capabilities = ["create", "update"] }`
  server.root('POST', 'sys/policies/acl/app', { policy: acl })
  server.root('POST', 'sys/auth/userpass', { type: 'userpass' })
  server.root('POST', 'auth/userpass/users/app', { password: 'p', token_policies: ['app'], token_ttl: '768h' })
  const gateway = await createGateway(
    {
      server: server.transport(),
      auth: userpass({ username: 'app', password: 'p' }),
      dangerouslyAllowEverything: true,
      audit: { devices: [callback('none', () => {})] },
    },
    { clock, random: fixedRandom(3), telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  const sent = (path: string): number => server.requests.filter((request) => request.path === path).length
  return { gateway, server, clock, sent }
}

/** What it holds; `undefined` while it is withheld and read anew. */
function passwordOf(lease: Lease): unknown {
  try {
    return lease.current().data.password
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_PORTCULLIS_LEASE_EXPIRED')
    return undefined
  }
}

/** Follows a held static role for `ms`; the longest time for which it had not the server's password. */
async function worstLag(
  { clock, server }: World,
  lease: Lease,
  ms: number,
  at: (step: number) => void,
): Promise<number> {
  let worstMs = 0
  let staleSinceMs: number | undefined
  for (let step = 0; step < ms / 500; step += 1) {
    at(step)
    await clock.advance(500)
    const { password } = server.root('GET', STATIC).body.data
    const isCurrent = passwordOf(lease) === password
    staleSinceMs = isCurrent ? undefined : (staleSinceMs ?? clock.now())
    if (staleSinceMs !== undefined) worstMs = Math.max(worstMs, clock.now() - staleSinceMs)
  }
  return worstMs
}

for (const [what, disturb] of [
  ['left alone', () => {}],
  [
    'with the wall clock set forward and back',
    ({ clock }: World, step: number) => {
      if (step === 33) clock.jumpWall(3_600_000)
      if (step === 66) clock.jumpWall(-7_200_000)
    },
  ],
] as const) {
  test(`a held static role follows each rotation of the server, ${what}`, async (t) => {
    const it = await world(t)
    const lease = await it.gateway.lease(STATIC)
    const before = it.sent(STATIC)
    const lagMs = await worstLag(it, lease, 120_000, (step) => disturb(it, step))
    assert.ok(lagMs <= LAG_MS, `the password before served for ${lagMs} ms`)
    const own = it.sent(STATIC) - before
    assert.ok(own >= 11 && own <= 30, `${own} reads for 12 rotations`)
  })
}

test('a static role that cannot be read for a while is served as it was, and followed again afterwards', async (t) => {
  const it = await world(t)
  const lease = await it.gateway.lease(STATIC)
  await it.clock.advance(9_000)
  const first = lease.current().data.password
  it.server.fault({ path: STATIC, status: 503, errors: ['sealed'], times: 3 })
  await it.clock.advance(2_000)
  assert.equal(lease.current().data.password, first)
  await it.clock.advance(10_000)
  it.server.clearFaults()
  await it.clock.advance(5_000)
  assert.notEqual(lease.current().data.password, first)
  assert.ok((await worstLag(it, lease, 40_000, () => {})) <= LAG_MS)
})

const data = { common_name: 'a.example', ttl: '60s' }
const endsAtMs = (lease: Lease): number => Number(lease.current().data.expiration) * 1_000

test('a held certificate is replaced before its end, again and again, by its own clock', async (t) => {
  const { gateway, clock, server } = await world(t)
  const lease = await gateway.lease(PKI, { method: 'write', data })
  for (let second = 0; second < 600; second += 1) {
    await clock.advance(1_000)
    assert.ok(endsAtMs(lease) > clock.wallTime(), 'a certificate that has ended was served')
  }
  const mints = server.mints(PKI)
  assert.ok(mints >= 600_000 / CERTIFICATE_MS && mints <= 15, `${mints} certificates in ten minutes`)
})

for (const jumpMs of [3_600_000, -3_600_000]) {
  test(`the wall clock jumps by ${jumpMs / 1_000} s: no certificate that has ended is served, and one is issued at most`, async (t) => {
    const { gateway, clock, server } = await world(t)
    const lease = await gateway.lease(PKI, { method: 'write', data })
    await clock.advance(10_000)
    clock.jumpWall(jumpMs)
    for (let second = 0; second < 20; second += 1) {
      try {
        assert.ok(endsAtMs(lease) > clock.wallTime(), 'a certificate that has ended was served')
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_PORTCULLIS_LEASE_EXPIRED')
        assert.ok(second < 2, 'it was not replaced')
      }
      await clock.advance(1_000)
    }
    assert.ok(server.mints(PKI) <= 2)
  })
}

test('while no certificate can be issued the one held serves to its end, and not beyond', async (t) => {
  const { gateway, clock, server } = await world(t)
  const lease = await gateway.lease(PKI, { method: 'write', data })
  server.fault({ path: PKI, status: 503, errors: ['sealed'] })
  for (let second = 0; second < 90; second += 1) {
    await clock.advance(1_000)
    try {
      assert.ok(endsAtMs(lease) > clock.wallTime())
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ERR_PORTCULLIS_LEASE_EXPIRED')
      assert.ok(second >= 57, 'it was withdrawn early')
    }
  }
  server.clearFaults()
  await clock.advance(31_000)
  assert.ok(endsAtMs(lease) > clock.wallTime(), 'it was not issued again')
})
