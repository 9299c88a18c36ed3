import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { logs, SeverityNumber, trace } from '@opentelemetry/api'
import { logs as oldLogs } from '@opentelemetry/api-logs'
import { type Audit, type AuditDraft, createAudit } from '../../lib/audit/audit.ts'
import { createHasher } from '../../lib/audit/hasher.ts'
import { createGateway } from '../../lib/gateway.ts'
import type { AuditGap } from '../../lib/model/audit-entry.ts'
import type { AuditRecord } from '../../lib/ports/audit-device.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { token } from '../../lib/session/auth/token.ts'
import { otel } from '../../lib/telemetry/audit-otel.ts'
import { FakeClock, settle } from '../../lib/testing/fake-clock.ts'
import { ServerDouble } from '../pipeline/support.ts'
import { memoryLogs, registerLogs } from './sdk.ts'

const HMAC = `hmac-sha256:${'0a'.repeat(32)}`

const DRAFT: AuditDraft = {
  type: 'response',
  caller: { attributes: { service: 'orders', groups: ['a'] }, parent: undefined, id: 'orders' },
  decision: { effect: 'allow', reason: 'rule', policy: 'p', rule: 'r', message: 'allowed' },
  auth: { client_token: HMAC, accessor: HMAC },
  request: { id: 'i-1', operation: 'read', namespace: { path: 'team-a/' }, path: 'secret/data/a', query: { q: HMAC } },
  response: { source: 'server', status: 200, secret: { lease_id: HMAC }, data: { password: HMAC, n: 1 }, warnings: 1 },
  trace: { trace_id: 'ab'.repeat(16), span_id: 'cd'.repeat(8) },
}

interface Recording {
  readonly audit: Audit
  readonly warnings: string[]
}

async function recording(t: TestContext): Promise<Recording> {
  const warnings: string[] = []
  const audit = await createAudit({
    devices: [otel()],
    hasher: createHasher(new Uint8Array(16)),
    clock: new FakeClock(),
    instance: 'instance-1',
    telemetry: NO_TELEMETRY,
    diagnostics: { warn: (message, fields) => warnings.push(`${message}: ${JSON.stringify(fields)}`) },
  })
  t.after(() => audit.close())
  return { audit, warnings }
}

test('an entry becomes one record with flat attributes, no body, and its own time', async (t) => {
  const exporter = registerLogs(t)
  const { audit } = await recording(t)
  assert.equal(audit.record(DRAFT), undefined)
  await settle()
  const [record, ...more] = exporter.getFinishedLogRecords()
  assert.equal(more.length, 0)
  assert.equal(record?.eventName, 'portcullis.audit.response')
  assert.equal(record.body, undefined)
  assert.equal(record.instrumentationScope.name, 'portcullis')
  assert.deepEqual(record.hrTime, [Date.UTC(2026, 0, 1) / 1000, 0])
  assert.deepEqual(record.attributes, {
    'portcullis.audit.instance': 'instance-1',
    'portcullis.audit.sequence': 1,
    'portcullis.caller': '{"service":"orders","groups":["a"]}',
    'portcullis.decision.effect': 'allow',
    'portcullis.decision.reason': 'rule',
    'portcullis.decision.policy': 'p',
    'portcullis.decision.rule': 'r',
    'portcullis.auth': JSON.stringify(DRAFT.auth),
    'portcullis.request.id': 'i-1',
    'portcullis.request.operation': 'read',
    'portcullis.request.namespace': 'team-a/',
    'portcullis.request.path': 'secret/data/a',
    'portcullis.request.query': JSON.stringify({ q: HMAC }),
    'portcullis.response.source': 'server',
    'http.response.status_code': 200,
    'portcullis.response.lease_id': HMAC,
    'portcullis.response.warnings': 1,
    'portcullis.response.data': JSON.stringify({ password: HMAC, n: 1 }),
  })
})

test('a record is tied to the span of the entry, not to one that is active while it is written', async (t) => {
  const exporter = registerLogs(t)
  const { audit } = await recording(t)
  void audit.record(DRAFT)
  await settle()
  const context = exporter.getFinishedLogRecords()[0]?.spanContext
  assert.equal(context?.traceId, DRAFT.trace?.trace_id)
  assert.equal(context?.spanId, DRAFT.trace?.span_id)
})

test('what was allowed and went well is INFO; what was denied or failed is WARN', async (t) => {
  const exporter = registerLogs(t)
  const { audit } = await recording(t)
  void audit.record(DRAFT)
  void audit.record({ ...DRAFT, decision: { ...DRAFT.decision, effect: 'deny', reason: 'no-rule' } })
  void audit.record({ ...DRAFT, error: 'ERR_PORTCULLIS_SERVER_FAILED: it failed' })
  await settle()
  const found = exporter
    .getFinishedLogRecords()
    .map(({ severityNumber, severityText }) => [severityNumber, severityText])
  const { INFO, WARN } = SeverityNumber
  assert.deepEqual(found, [
    [INFO, 'INFO'],
    [WARN, 'WARN'],
    [WARN, 'WARN'],
  ])
})

test('the marker of a gap becomes a WARN with count and range', async (t) => {
  const exporter = registerLogs(t)
  const { device } = otel()
  await device.open()
  const gap = { count: 2, from_sequence: 3, to_sequence: 7 }
  const entry: AuditGap = { time: '2026-01-01T00:00:00.000Z', type: 'gap', instance: 'i', gap }
  await device.write([recordOf(entry)])
  const [record] = exporter.getFinishedLogRecords()
  assert.equal(record?.eventName, 'portcullis.audit.gap')
  assert.equal(record.severityNumber, SeverityNumber.WARN)
  assert.deepEqual(record.attributes, {
    'portcullis.audit.instance': 'i',
    'portcullis.audit.gap.count': 2,
    'portcullis.audit.gap.from_sequence': 3,
    'portcullis.audit.gap.to_sequence': 7,
  })
})

test('a provider of the older logs API gets the records where there is no other', async (t) => {
  const { provider, exporter } = memoryLogs()
  oldLogs.setGlobalLoggerProvider(provider as never)
  t.after(() => oldLogs.disable())
  const { audit } = await recording(t)
  void audit.record(DRAFT)
  await settle()
  assert.equal(exporter.getFinishedLogRecords().length, 1)
})

test('where both logs APIs have a provider, a record goes to one of them: the newer', async (t) => {
  const { provider, exporter: older } = memoryLogs()
  oldLogs.setGlobalLoggerProvider(provider as never)
  t.after(() => oldLogs.disable())
  const newer = registerLogs(t)
  const { audit } = await recording(t)
  void audit.record(DRAFT)
  await settle()
  assert.deepEqual([newer.getFinishedLogRecords().length, older.getFinishedLogRecords().length], [1, 0])
})

test('without a provider it is said once, with what to do, and each entry is counted as lost', async (t) => {
  const { audit, warnings } = await recording(t)
  for (let i = 0; i < 5; i++) {
    void audit.record(DRAFT)
    await settle()
  }
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /"otel".*no OpenTelemetry log provider is registered.*register one/)
  const [health] = audit.counters()
  assert.equal(health?.accepted, 0)
  assert.equal((health?.failed ?? 0) + (health?.dropped ?? 0), 5)
})

for (const [line, register] of [
  ['1.10', registerLogs],
  [
    'the older',
    (t: TestContext) => {
      const { provider, exporter } = memoryLogs()
      oldLogs.setGlobalLoggerProvider(provider as never)
      t.after(() => oldLogs.disable())
      return exporter
    },
  ],
] as const) {
  test(`a provider of ${line} API registered late is found, and told of what it missed`, async (t) => {
    const { audit } = await recording(t)
    void audit.record(DRAFT)
    void audit.record(DRAFT)
    await settle()
    const exporter = register(t)
    void audit.record(DRAFT)
    await settle()
    const [gap, entry, ...more] = exporter.getFinishedLogRecords()
    assert.deepEqual(
      [gap?.attributes['portcullis.audit.gap.count'], entry?.attributes['portcullis.audit.sequence'], more.length],
      [2, 3, 0],
    )
    const tail = [
      gap?.attributes['portcullis.audit.gap.from_sequence'],
      gap?.attributes['portcullis.audit.gap.to_sequence'],
    ]
    assert.deepEqual(tail, [1, 2])
  })
}

test('a provider taken back is missed, and one that replaces it gets the records', async (t) => {
  const first = registerLogs(t)
  const { audit, warnings } = await recording(t)
  const record = async (): Promise<void> => {
    void audit.record(DRAFT)
    await settle()
  }
  await record()
  logs.disable()
  await record()
  const second = registerLogs(t)
  await record()
  assert.equal(first.getFinishedLogRecords().length, 1)
  assert.equal(warnings.length, 1)
  assert.deepEqual(
    second.getFinishedLogRecords().map(({ eventName }) => eventName),
    ['portcullis.audit.gap', 'portcullis.audit.response'],
  )
})

test('a logger that throws loses the entry, is said, and breaks nothing', async (t) => {
  const broken = (): never => {
    throw new Error('secret words of the exporter')
  }
  logs.setGlobalLoggerProvider({ getLogger: () => ({ emit: broken, enabled: () => true }) } as never)
  t.after(() => logs.disable())
  const { audit, warnings } = await recording(t)
  assert.equal(audit.record(DRAFT), undefined)
  await settle()
  assert.equal(audit.counters()[0]?.accepted, 0)
  assert.equal(warnings.length, 1)
  assert.ok(!warnings[0]?.includes('secret words'))
})

test('a provider that throws when asked for a logger breaks nothing, and is asked again', async (t) => {
  let asked = 0
  const getLogger = (): never => {
    asked += 1
    throw new Error('not yet')
  }
  logs.setGlobalLoggerProvider({ getLogger } as never)
  t.after(() => logs.disable())
  const { audit } = await recording(t)
  for (let i = 1; i <= 2; i++) {
    assert.equal(audit.record(DRAFT), undefined)
    await settle()
    assert.equal(asked, i)
  }
})

test('spans need not be sampled for entries to be recorded', async (t) => {
  const exporter = registerLogs(t)
  assert.equal(trace.getActiveSpan(), undefined)
  const { audit } = await recording(t)
  const { trace: _, ...untraced } = DRAFT
  void audit.record(untraced)
  await settle()
  assert.equal(exporter.getFinishedLogRecords().length, 1)
})

test('otel() cannot be required, and says why', () => {
  assert.throws(() => otel({ required: true }), {
    code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE',
    phase: 'start',
    message: /gives no receipt.*required file\(\)/,
  })
  assert.equal(otel({ required: false }).required, false)
})

test('otel() put together by hand cannot be required either', async () => {
  const devices = [{ ...otel({ logger: { emit: () => {} } }), required: true }]
  await assert.rejects(createGateway({ server: new ServerDouble(), auth: token({ token: 't' }), audit: { devices } }), {
    code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE',
    phase: 'start',
    message: /gives no receipt.*required file\(\)/,
  })
})

test('a misspelt option of otel() is refused', () => {
  assert.throws(() => otel({ queuesize: 1 } as never), { name: 'TypeError', message: /no option "queuesize"/ })
})

function recordOf(entry: AuditGap): AuditRecord {
  return { entry, line: () => JSON.stringify(entry) }
}
