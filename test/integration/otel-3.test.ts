import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { trace } from '@opentelemetry/api'
import {
  type AuditDeviceOptions,
  type AuditEntry,
  callback,
  createGateway,
  type Gateway,
  otel,
  token,
} from 'portcullis'
import manifest from 'portcullis/package.json' with { type: 'json' }
import { findPlanted, type Planted, plantSecrets, plantTokens } from 'portcullis/testing'
import { request } from 'undici'
import { instrumentUndici, startApplication } from '../support/otel-3.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { startSecretServer } from '../support/secret-server.ts'

const TOKENS = plantTokens(['token'])
const SECRETS = plantSecrets(['written'])
const CALLER = { service: 'orders-service', user: 'u-17' }
const OURS = 'portcullis'

const POLICIES = [
  {
    policy: 'orders',
    rules: [
      { id: 'db', path: 'database/creds/orders', operations: ['read'], effect: 'allow' },
      { id: 'kv', path: 'secret/*', operations: ['read', 'write'], effect: 'allow' },
    ],
  },
]

test('governed calls, exported by the OpenTelemetry 3.x SDK over OTLP/HTTP', async (t) => {
  const { receiver, entries, handler, control } = await exported(t)
  const [logs, spans, points] = [receiver.logRecords(), receiver.spans(), receiver.metricPoints()]
  const ours = spans.filter(({ scope }) => scope === OURS)

  await t.test('every audit entry arrives as one log record, named after its type', () => {
    const arrived = logs.map(({ scope, eventName, attributes }) => [
      scope,
      eventName,
      Number(attributes['portcullis.audit.sequence']),
    ])
    const written = entries.map(({ type, sequence }) => [OURS, `portcullis.audit.${type}`, sequence])
    assert.deepEqual(arrived, written)
  })

  await t.test('log records of calls carry the trace of their caller and no body; refusals are warnings', () => {
    const calls = logs.filter(({ attributes }) => attributes['portcullis.decision.reason'] !== 'own')
    assert.ok(calls.length > 0)
    for (const { traceId, body, severityText, attributes } of calls) {
      const isWarning = attributes['portcullis.decision.effect'] === 'deny' || 'portcullis.error' in attributes
      assert.equal(traceId, handler.traceId)
      assert.equal(body, undefined)
      assert.equal(severityText, isWarning ? 'WARN' : 'INFO')
    }
  })

  await t.test('each call is one span below the span of its caller', () => {
    const calls = ours.filter(({ name }) => name === 'portcullis.request')
    assert.deepEqual(
      calls.map(({ parentSpanId, statusCode, attributes }) => [
        parentSpanId,
        statusCode,
        attributes['portcullis.operation'],
        attributes['portcullis.source'] ?? attributes['error.type'],
      ]),
      [
        [handler.spanId, 0, 'read', 'server'],
        [handler.spanId, 0, 'read', 'cache'],
        [handler.spanId, 0, 'write', 'server'],
        [handler.spanId, 2, 'read', 'ERR_PORTCULLIS_POLICY_DENIED'],
        [handler.spanId, 2, 'read', 'ERR_PORTCULLIS_SERVER_NOT_FOUND'],
        ...Array(3).fill([handler.spanId, 0, 'write', 'server']),
      ],
    )
  })

  await t.test('an HTTP instrumentation records spans of the application, and none of the gateway', () => {
    const inner = spans.filter(({ scope }) => scope === 'undici')
    assert.deepEqual(
      inner.map(({ attributes }) => attributes['url.full']),
      [control],
    )
  })

  await t.test('metrics arrive: decisions, look-ups, entries, logins and the duration', () => {
    assert.deepEqual(new Set(points.map(({ name, unit }) => `${name} ${unit}`)), METRICS)
    const duration = points.filter(({ name }) => name === 'portcullis.request.duration')
    assert.deepEqual(
      duration.map(({ attributes, value }) => [attributes['portcullis.operation'], value]),
      [
        ['read', 4],
        ['write', 4],
      ],
    )
  })

  await t.test('every signal names our scope with the version of the package', () => {
    const scope = `"scope":{"name":"portcullis","version":"${manifest.version}"`
    for (const { signal, bytes } of receiver.received) assert.ok(bytes.includes(scope), signal)
  })

  await t.test('no metric label and no span attribute of ours names a path, a caller or an address', () => {
    const labels = JSON.stringify([points, ours])
    for (const word of [...Object.values(CALLER), 'orders', 'database', 'secret/', 'sys/', '127.0.0.1', 'http:']) {
      assert.equal(labels.includes(word), false, `${word} in ${labels}`)
    }
  })

  await t.test('no planted secret is in any byte that was received', () => {
    assert.deepEqual(new Set(receiver.received.map(({ signal }) => signal)), new Set(['logs', 'traces', 'metrics']))
    assert.deepEqual(findPlanted(receiver.text(), { ...TOKENS, ...SECRETS, ...handler.credentials }), [])
  })
})

test('providers that are registered after the gateway was made get everything from then on', async (t) => {
  const receiver = await startOtlpReceiver(t)
  const gateway = await openGateway(await startSecretServer(t, TOKENS.token), [
    otel(),
    callback('required', () => undefined),
  ])
  const application = startApplication(t, receiver.address)
  await gateway.read(CREDENTIALS)
  await gateway.close()
  await application.close()
  const own = receiver.logRecords().filter(({ attributes }) => attributes['portcullis.decision.reason'] === 'own')
  assert.deepEqual([own.length, receiver.logRecords().length], [2, 4])
  assert.deepEqual(
    receiver.spans().map(({ name }) => name),
    ['portcullis.request'],
  )
  assert.ok(receiver.metricPoints().some(({ name }) => name === 'portcullis.audit.entries'))
})

const METRICS = new Set([
  'portcullis.policy.decisions {decision}',
  'portcullis.cache.lookups {lookup}',
  'portcullis.audit.entries {entry}',
  'portcullis.session.logins {login}',
  'portcullis.request.duration s',
])

interface Exported {
  readonly receiver: OtlpReceiver
  /** What a required device was given. */
  readonly entries: readonly AuditEntry[]
  readonly handler: { readonly traceId: string; readonly spanId: string; readonly credentials: Planted }
  /** URL of a request that the application itself made. */
  readonly control: string
}

/** Calls of each outcome, made in a span of the application, and what of them reached an OTLP receiver. */
async function exported(t: TestContext): Promise<Exported> {
  const receiver = await startOtlpReceiver(t)
  const application = startApplication(t, receiver.address)
  instrumentUndici(t)
  const address = await startSecretServer(t, TOKENS.token)
  const entries: AuditEntry[] = []
  const required = callback('required', (entry) => {
    assert.notEqual(entry.type, 'gap')
    entries.push(entry as AuditEntry)
  })
  const gateway = await openGateway(address, [otel(), required])
  const control = `${address}/control`
  const handler = await trace.getTracer('application').startActiveSpan('handler', async (span) => {
    await (await request(control)).body.dump()
    const credentials = await makeCalls(gateway)
    span.end()
    return { ...span.spanContext(), credentials }
  })
  await gateway.close()
  await application.close()
  return { receiver, entries, handler, control }
}

function openGateway(address: string, devices: readonly AuditDeviceOptions[]): Promise<Gateway> {
  return createGateway({
    server: { address, proxy: false, connections: 1 },
    auth: token({ token: TOKENS.token }),
    policies: POLICIES,
    caller: CALLER,
    audit: { devices },
  })
}

/** @returns the credentials that the server made up. */
async function makeCalls(gateway: Gateway): Promise<Planted> {
  const { data } = await gateway.read<{ readonly username: string; readonly password: string }>(CREDENTIALS)
  const again = await gateway.read(CREDENTIALS)
  assert.deepEqual(again.data, data)
  await gateway.write('secret/data/theme', { data: { value: SECRETS.written } })
  await assert.rejects(gateway.read('sys/mounts'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  await assert.rejects(gateway.read('secret/data/missing'), { code: 'ERR_PORTCULLIS_SERVER_NOT_FOUND' })
  // Two wait for the one connection, and are sent in the turn of another.
  const writes = ['a', 'b', 'c'].map((name) => ({ path: `secret/data/${name}`, data: { value: SECRETS.written } }))
  await Promise.all(writes.map(({ path, data }) => gateway.write(path, { data })))
  return { username: data.username, password: data.password, leaseId: again.leaseId }
}

const CREDENTIALS = 'database/creds/orders'
