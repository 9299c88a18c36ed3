import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createGateway } from '../../../lib/gateway.ts'
import { callback, type Gateway, PolicyDeniedError } from '../../../lib/index.ts'
import type { BackendReply } from '../../../lib/model/backend.ts'
import { NO_TELEMETRY } from '../../../lib/ports/telemetry.ts'
import { systemRandom } from '../../../lib/system/random.ts'
import type { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { said, secretOf } from './scripted-plugins.ts'
import { world } from './world.ts'

interface Limited {
  readonly gateway: Gateway
  readonly clock: FakeClock
  /** Users that live, by the plugin. */
  readonly alive: Set<number>
}

/** A gateway over a host with one plugin whose secrets live an hour, and a policy with `limits`. */
async function limited(t: TestContext, limits: object): Promise<Limited> {
  const alive = new Set<number>()
  let count = 0
  const handle = (request: { operation: string; secret?: { internalData: string } | undefined }): BackendReply => {
    if (request.operation === 'revoke') {
      alive.delete(JSON.parse(request.secret?.internalData ?? '{}').id)
      return {}
    }
    if (request.operation !== 'read') return {}
    alive.add(++count)
    const secret = secretOf({ ttlMs: 3_600_000, internalData: JSON.stringify({ id: count }) })
    return said({ user: count }, { secret })
  }
  const { host, clock } = await world(t, { db: { handle } }, { mounts: { db: { type: 'db' } } })
  const gateway = await createGateway(
    {
      server: host.shared(),
      policies: [{ policy: 'p', rules: [{ id: 'it', path: 'db/*', operations: ['read'], effect: 'allow', limits }] }],
      audit: { devices: [callback('none', () => undefined)] },
    },
    { clock, random: systemRandom, telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  return { gateway, clock, alive }
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof PolicyDeniedError, String(error))
  return `${error.decision.reason} ${error.retryAfterMs}`
}

test('over a plugin host: a rate', async (t) => {
  const { gateway, clock } = await limited(t, { rate: '2/m' })
  for (let n = 0; n < 2; n += 1) await gateway.read('db/a')
  assert.equal(await reasonOf(gateway.read('db/a')), 'rate 30000')
  await clock.advance(30_000)
  assert.equal((await gateway.read('db/a')).source, 'cache')
})

test('over a plugin host: leases that live at once', async (t) => {
  const { gateway, clock, alive } = await limited(t, { leases: 2 })
  const held = [await gateway.lease('db/a'), await gateway.lease('db/b')]
  assert.equal(await reasonOf(gateway.lease('db/c')), 'leases 3600000')
  assert.equal(alive.size, 2)
  await held[0]?.close()
  await clock.advance(1_000)
  assert.equal(alive.size, 1)
  await gateway.lease('db/c')
})

test('over a plugin host: what is read or held is gone after maxTtl, by the plugin', async (t) => {
  const { gateway, clock, alive } = await limited(t, { maxTtl: '10s' })
  const lease = await gateway.lease('db/a')
  const read = await gateway.read('db/b')
  assert.deepEqual([...alive], [1, 2])
  assert.equal(read.ttlMs, 10_000)
  for (let second = 0; second < 12; second += 1) {
    await clock.advance(1_000)
    assert.ok(lease.current().ttlMs > 0)
  }
  assert.ok(!alive.has(1) && !alive.has(2), [...alive].join())
  assert.ok(alive.has(Number(lease.current().data.user)))
})
