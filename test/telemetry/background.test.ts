import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { trace } from '@opentelemetry/api'
import type { MetricData } from '@opentelemetry/sdk-metrics'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { appRole, callback, type Gateway, type GatewayOptions } from 'portcullis'
import { createGateway } from '../../lib/gateway.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'
import { answerWith, grant, refuse } from '../../lib/testing/scripted-transport.ts'
import { counting, type Handler, minting, ServerDouble, tokenGrant } from '../pipeline/support.ts'
import { registerMetrics, registerTracing } from './sdk.ts'

const PATH = 'database/creds/app'

interface World {
  readonly gateway: Gateway
  readonly server: ServerDouble
  readonly clock: FakeClock
  readonly entries: AuditEntry[]
  /** Spans of that name, as `parent error`, in order. */
  spans(name: string): readonly string[]
  all(): readonly ReadableSpan[]
  /** Points of a metric, as `labels: value`. */
  points(name: string): Promise<readonly string[]>
  metrics(): Promise<ReadonlyMap<string, MetricData>>
}

/** A gateway before a double, observed by the OpenTelemetry SDK. */
async function world(t: TestContext, options: Partial<GatewayOptions> = {}): Promise<World> {
  const exporter = registerTracing(t)
  const metrics = registerMetrics(t)
  const clock = new FakeClock()
  const entries: AuditEntry[] = []
  const server = new ServerDouble({
    [`read ${PATH}`]: minting(60_000),
    'write sys/leases/renew': grant({ ttlMs: 60_000 }),
    'write sys/leases/revoke': answerWith({ status: 204 }),
    'write auth/token/revoke-self': answerWith({ status: 204 }),
  })
  const gateway = await createGateway(
    {
      server,
      auth: counting(Infinity),
      dangerouslyAllowEverything: true,
      caller: { service: 'orders' },
      audit: { devices: [callback('test', (entry) => void entries.push(entry as AuditEntry))] },
      leases: { verifyAfterMs: Infinity },
      ...options,
    },
    { clock, random: fixedRandom(), environment: {} },
  )
  t.after(() => gateway.close())
  return {
    ...{ gateway, server, clock, entries, metrics },
    all: () => exporter.getFinishedSpans(),
    spans: (name) =>
      exporter
        .getFinishedSpans()
        .filter((span) => span.name === name)
        .map(({ parentSpanContext, attributes }) =>
          [parentSpanContext === undefined ? 'root' : 'child', attributes['error.type'] ?? 'ok'].join(' '),
        ),
    points: async (name) =>
      ((await metrics()).get(name)?.dataPoints ?? []).map(
        ({ attributes, value }) => `${Object.values(attributes).join(' ')}: ${value}`,
      ),
  }
}

/** Paths of the gateway's own entries. */
function own(entries: readonly AuditEntry[]): readonly string[] {
  return entries
    .filter(({ caller }) => caller.service === 'portcullis')
    .map(({ type, request }) => `${type} ${request.path}`)
}

test('a renewal is a span of no trace but its own, a count and two entries of the gateway', async (t) => {
  const it = await world(t)
  // The timer is set in the context of whoever read first; what it does later is none of his.
  await trace.getTracer('app').startActiveSpan('handler', async (span) => {
    await it.gateway.lease(PATH)
    span.end()
  })
  await it.clock.advance(45_000)
  assert.deepEqual(it.spans('portcullis.lease.renew'), ['root ok'])
  assert.deepEqual(await it.points('portcullis.lease.renewals'), ['ok: 1'])
  assert.deepEqual(own(it.entries), ['request sys/leases/renew', 'response sys/leases/renew'])
  assert.deepEqual(it.spans('portcullis.request'), ['child ok'])
})

test('a renewal that fails is a failed span with its code, and counts as failed', async (t) => {
  const it = await world(t)
  await it.gateway.lease(PATH)
  it.server.on('write sys/leases/renew', refuse(503) as Handler)
  await it.clock.advance(42_000)
  assert.equal(it.spans('portcullis.lease.renew')[0], 'root ERR_PORTCULLIS_SERVER_SEALED')
  assert.match((await it.points('portcullis.lease.renewals')).join(), /^failed: \d+$/)
  assert.match(it.entries.at(-1)?.error ?? '', /^ERR_PORTCULLIS_SERVER_SEALED/)
})

test('a rotation is a span and a count, its mint is recorded for the caller, its predecessor is revoked', async (t) => {
  const it = await world(t)
  it.server.on('write sys/leases/renew', grant({ ttlMs: 10_000 }))
  await it.gateway.lease(PATH)
  await it.clock.advance(58_000)
  assert.deepEqual(it.spans('portcullis.lease.rotate'), ['root ok'])
  assert.deepEqual(await it.points('portcullis.lease.rotations'), ['ok: 1'])
  assert.deepEqual(it.spans('portcullis.lease.revoke'), ['root ok'])
  assert.deepEqual(await it.points('portcullis.lease.ended'), ['released: 1'])
  const mints = it.entries.filter(({ request }) => request.path === PATH)
  assert.deepEqual(
    mints.map(({ type, caller, trace: told }) => [type, caller.service, told]),
    Array(2)
      .fill([
        ['request', 'orders', undefined],
        ['response', 'orders', undefined],
      ])
      .flat(),
  )
})

test('a rotation that cannot mint is a failed span, and counts as failed', async (t) => {
  const it = await world(t)
  it.server.on('write sys/leases/renew', grant({ ttlMs: 10_000 }))
  await it.gateway.lease(PATH)
  it.server.on(`read ${PATH}`, refuse(503) as Handler)
  await it.clock.advance(60_000)
  assert.equal(it.spans('portcullis.lease.rotate')[0], 'root ERR_PORTCULLIS_SERVER_SEALED')
  assert.ok((await it.points('portcullis.lease.rotations')).some((point) => point.startsWith('failed: ')))
})

test('a successor that a holder refuses is a failed span', async (t) => {
  const it = await world(t)
  it.server.on('write sys/leases/renew', grant({ ttlMs: 10_000 }))
  const lease = await it.gateway.lease(PATH)
  lease.onRotate({ prepare: () => Promise.reject(new Error('own affair')) })
  await it.clock.advance(50_000)
  assert.equal(it.spans('portcullis.lease.rotate')[0], 'root not_taken_over')
})

test('a lease that is released counts as released, one that cannot be as leaked', async (t) => {
  const it = await world(t)
  await (await it.gateway.lease(PATH)).close()
  it.server.on('write sys/leases/revoke', refuse(403) as Handler)
  await (await it.gateway.lease(PATH)).close()
  assert.deepEqual(it.spans('portcullis.lease.revoke'), ['root ok', 'root ERR_PORTCULLIS_SERVER_FORBIDDEN'])
  assert.deepEqual(await it.points('portcullis.lease.ended'), ['released: 1', 'leaked: 1'])
  assert.deepEqual(await it.points('portcullis.leaks'), ['ERR_PORTCULLIS_SERVER_FORBIDDEN: 1'])
})

test('what was withheld and could not be ended counts as a leak', async (t) => {
  const response = { type: 'object', properties: { username: { const: 'nobody' } }, required: ['username'] }
  const rules = [{ path: PATH, operations: ['read'], effect: 'allow', response }]
  const it = await world(t, { dangerouslyAllowEverything: false, policies: [{ policy: 'p', rules }] })
  it.server.on('write sys/leases/revoke', refuse(403) as Handler)
  await assert.rejects(it.gateway.read(PATH), { code: 'ERR_PORTCULLIS_POLICY_RESPONSE' })
  assert.deepEqual(await it.points('portcullis.leaks'), ['ERR_PORTCULLIS_SERVER_FORBIDDEN: 1'])
})

test('look-ups count by what they told', async (t) => {
  const it = await world(t, { leases: { verifyAfterMs: 1_000 } })
  const looked = async (handler: Handler): Promise<void> => {
    it.server.on('write sys/leases/lookup', handler)
    await it.clock.advance(2_000)
    await it.gateway.read(PATH)
  }
  await it.gateway.read(PATH)
  await looked(() => answerWith({ data: { ttl: 58 } }))
  await looked(refuse(503) as Handler)
  await looked(refuse(400) as Handler)
  assert.deepEqual(await it.points('portcullis.lease.look_ups'), ['live: 1', 'failed: 1', 'dead: 1'])
  assert.deepEqual(await it.points('portcullis.lease.ended'), ['revoked: 1'])
  assert.equal(own(it.entries).filter((each) => each === 'request sys/leases/lookup').length, 3)
})

test('a lease that the budget stops is counted, and recorded as a refused call', async (t) => {
  const it = await world(t, { leases: { maxPerPath: 1 } })
  await it.gateway.read(PATH)
  it.gateway.evict({ all: true })
  await assert.rejects(it.gateway.read(PATH), { code: 'ERR_PORTCULLIS_LEASE_BUDGET' })
  assert.deepEqual(await it.points('portcullis.lease.over_budget'), [': 1'])
  assert.match(it.entries.at(-1)?.error ?? '', /^ERR_PORTCULLIS_LEASE_BUDGET/)
})

test('a session is seen at its logins, renewals and successions', async (t) => {
  const it = await world(t, { auth: appRole({ roleId: 'role', secretId: 'secret-id-1' }) })
  let logins = 0
  it.server.on('write auth/approle/login', () => answerWith({ auth: tokenGrant(`s.${++logins}`, 600_000) }))
  it.server.on('write auth/token/renew-self', () => answerWith({ auth: tokenGrant('s.1', 600_000) }))
  await it.gateway.read(PATH)
  await it.clock.advance(450_000)
  assert.deepEqual(it.spans('portcullis.session.login'), ['root ok'])
  assert.deepEqual(it.spans('portcullis.session.renew'), ['root ok'])
  assert.deepEqual(await it.points('portcullis.session.renewals'), ['approle ok: 1'])

  it.server.on('write auth/token/renew-self', refuse(503) as Handler)
  await it.clock.advance(700_000)
  assert.ok(it.spans('portcullis.session.renew').includes('root ERR_PORTCULLIS_SERVER_SEALED'))
  assert.ok((await it.points('portcullis.session.renewals')).some((point) => point.startsWith('approle failed: ')))
  assert.ok(it.spans('portcullis.session.login').length >= 2)
  assert.ok((await it.points('portcullis.session.tokens_ended')).some((point) => point.startsWith('approle succeeded')))
  const paths = new Set(own(it.entries))
  for (const path of ['auth/approle/login', 'auth/token/renew-self']) assert.ok(paths.has(`request ${path}`), path)
})

test('a login that fails is a failed span', async (t) => {
  const it = await world(t, { auth: appRole({ roleId: 'role', secretId: 'secret-id-1' }) })
  it.server.on('write auth/approle/login', refuse(400) as Handler)
  await assert.rejects(it.gateway.read(PATH), { code: 'ERR_PORTCULLIS_SESSION_LOGIN' })
  assert.deepEqual(it.spans('portcullis.session.login'), ['root ERR_PORTCULLIS_SERVER_BAD_REQUEST'])
  assert.deepEqual(await it.points('portcullis.session.logins'), ['approle failed: 1'])
})

test('a look of a watch is a request of no trace but its own, and counts by what it found', async (t) => {
  const it = await world(t)
  const metadata = { version: 1, created_time: 'then' }
  it.server.on('read kv/data/flags', answerWith({ data: { data: { color: 'red' }, metadata } }))
  const mount = { path: 'kv/', type: 'kv', options: { version: '2' } }
  it.server.on('read sys/internal/ui/mounts/kv/data/flags', answerWith({ data: mount }))
  await trace.getTracer('app').startActiveSpan('handler', async (span) => {
    await it.gateway.watch('kv/data/flags')
    span.end()
  })
  await it.clock.advance(30_000)
  it.server.on('read kv/data/flags', refuse(503) as Handler)
  await it.clock.advance(30_000)
  assert.deepEqual(it.spans('portcullis.request'), ['child ok', 'root ok', 'root ERR_PORTCULLIS_SERVER_SEALED'])
  assert.deepEqual(await it.points('portcullis.watch.looks'), ['seen: 2', 'failed: 1'])
  const traced = it.entries.filter(({ caller, trace: told }) => caller.service === 'orders' && told !== undefined)
  assert.equal(traced.length, 2, 'the first look is of the trace of its caller')
})

test('no span and no label of any of these names a path, a caller, a lease or a secret', async (t) => {
  const it = await world(t, {
    auth: appRole({ roleId: 'role-1', secretId: 'secret-id-1' }),
    leases: { verifyAfterMs: 1_000 },
  })
  it.server.on('write auth/approle/login', () => answerWith({ auth: tokenGrant('s.1', 600_000) }))
  it.server.on('write sys/leases/lookup', () => answerWith({ data: { ttl: 30 } }))
  const lease = await it.gateway.lease(PATH)
  for (let i = 0; i < 30; i += 1) {
    await it.clock.advance(10_000)
    await it.gateway.read(PATH)
  }
  await lease.close()
  const shown = JSON.stringify([
    it.all().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    [...(await it.metrics())].map(([name, { dataPoints }]) => [name, dataPoints.map(({ attributes }) => attributes)]),
  ])
  assert.ok(it.all().length > 30)
  for (const word of [
    'database',
    'creds',
    'orders',
    'user-',
    'password',
    's.1',
    'role-1',
    'secret-id',
    'sys/',
    'auth/',
  ])
    assert.equal(shown.includes(word), false, word)
})
