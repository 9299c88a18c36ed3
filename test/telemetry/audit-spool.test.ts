import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { context, createContextKey, trace } from '@opentelemetry/api'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { type Audit, createAudit } from '../../lib/audit/audit.ts'
import type { Shipping } from '../../lib/model/gateway.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { spool } from '../../lib/telemetry/audit-spool.ts'
import type { LogExporter } from '../../lib/telemetry/log-exporter.ts'
import type { SpoolOptions } from '../../lib/telemetry/spool-options.ts'
import { DRAFT, HASHER, heard } from '../audit/support.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { folderFor } from '../system/folder.ts'
import { registerTracing } from './sdk.ts'
import { RecordingExporter, reached, sequencesOf } from './spool-support.ts'

const upTo = (last: number): readonly number[] => Array.from({ length: last }, (_, at) => at + 1)

/** The key that SDKs and instrumentations look at. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

interface Recording {
  readonly audit: Audit
  readonly warnings: readonly unknown[]
  record(count: number): Promise<void>
  shipping(): Shipping | undefined
}

async function recording(t: TestContext, options: SpoolOptions, folder?: string, instance = 'one'): Promise<Recording> {
  const diagnostics = heard()
  const audit = await createAudit({
    devices: [spool(folder ?? (await spoolFolder(t)), { name: 'spool', delayMs: 1, retryMs: 5, ...options })],
    hasher: HASHER,
    clock: systemClock,
    instance,
    telemetry: NO_TELEMETRY,
    diagnostics,
  })
  t.after(() => audit.close())
  return {
    audit,
    warnings: diagnostics.warnings,
    async record(count): Promise<void> {
      await Promise.all(Array.from({ length: count }, () => audit.record(DRAFT)))
    },
    shipping: () => audit.counters()[0]?.shipping,
  }
}

async function spoolFolder(t: TestContext): Promise<string> {
  return join(await folderFor(t), 'spool')
}

test('entries arrive in order, as records of the real exporter at a real receiver', async (t) => {
  const receiver = await startOtlpReceiver(t)
  const exporter = new OTLPLogExporter({ url: `${receiver.address}/v1/logs` })
  const { audit } = await recording(t, { exporter, resource: resourceFromAttributes({ 'service.name': 'orders' }) })
  const draft = { ...DRAFT, trace: { trace_id: 'ab'.repeat(16), span_id: 'cd'.repeat(8) } }
  await Promise.all(Array.from({ length: 1_000 }, () => audit.record(draft)))
  await receiver.until(() => receiver.logRecords().length >= 1_000)
  const records = receiver.logRecords()
  const [record] = records
  assert.deepEqual(sequencesOf(records), upTo(1_000))
  assert.equal(record?.eventName, 'portcullis.audit.request')
  assert.equal(record.scope, 'portcullis')
  assert.deepEqual([record.traceId, record.spanId], [draft.trace.trace_id, draft.trace.span_id])
  assert.equal(record.attributes['portcullis.audit.instance'], 'one')
  assert.equal(record.attributes['portcullis.request.path'], DRAFT.request.path)
  assert.deepEqual(receiver.received[0]?.body.resourceLogs[0].resource.attributes, [
    { key: 'service.name', value: { stringValue: 'orders' } },
  ])
})

test('a receiver that is stopped and started again in the middle misses nothing, and the order holds', async (t) => {
  const first = await startOtlpReceiver(t)
  const port = Number(new URL(first.address).port)
  const exporter = new OTLPLogExporter({ url: `${first.address}/v1/logs`, timeoutMillis: 300 })
  const { record, warnings, shipping } = await recording(t, { exporter })
  await record(300)
  await first.until(() => first.logRecords().length > 0)
  await first.stop()
  await record(300)
  await reached(() => (shipping()?.failed ?? 0) > 0)
  const second = await startOtlpReceiver(t, port)
  await record(300)
  await reached(() => shipping()?.waiting === 0)
  const arrived = [...sequencesOf(first.logRecords()), ...sequencesOf(second.logRecords())]
  assert.deepEqual([...new Set(arrived)], upTo(900))
  assert.deepEqual(warnings, [
    {
      message: 'audit entries cannot be shipped; they wait in the spool',
      device: 'spool',
      why: 'the exporter failed (ECONNREFUSED)',
    },
  ])
})

for (const how of [400, 413, 429, 503, 'reset', 'hang'] as const) {
  test(`a receiver that answers ${how} gets the same again, and nothing is lost`, async (t) => {
    const receiver = await startOtlpReceiver(t)
    receiver.behave(how)
    const exporter = new OTLPLogExporter({ url: `${receiver.address}/v1/logs`, timeoutMillis: 200 })
    const { record, warnings, shipping } = await recording(t, { exporter })
    await record(50)
    await reached(() => (shipping()?.failed ?? 0) >= 2)
    assert.deepEqual([shipping()?.waiting, shipping()?.shipped, warnings.length], [50, 0, 1])
    receiver.behave('accept')
    await reached(() => shipping()?.shipped === 50)
    assert.deepEqual([...new Set(sequencesOf(receiver.logRecords()))], upTo(50))
    assert.equal(shipping()?.waiting, 0)
  })
}

test('a partial success is a failure where the exporter tells it', async (t) => {
  const exporter = new RecordingExporter({ code: 0, partialSuccess: { rejectedLogRecords: '2' } })
  const { record, shipping, warnings } = await recording(t, { exporter })
  await record(4)
  await reached(() => shipping()?.waiting === 0)
  assert.deepEqual([shipping()?.failed, sequencesOf(exporter.taken)], [1, upTo(4)])
  assert.match(JSON.stringify(warnings), /the receiver rejected 2 of \d records/)
})

test('a partial success with nothing rejected is a success', async (t) => {
  const exporter = new RecordingExporter({ code: 0, partialSuccess: { rejectedLogRecords: 0 } })
  const { record, shipping } = await recording(t, { exporter })
  await record(1)
  await reached(() => shipping()?.waiting === 0)
  assert.equal(shipping()?.failed, 0)
})

test('an exporter that throws, tells nothing or rejects is tried again; its words are told to nobody', async (t) => {
  const exporter = new RecordingExporter('throw', 'hang', { code: 1, error: new Error('s3cr3t') }, 'reject')
  const { record, shipping, warnings } = await recording(t, { exporter, exportTimeoutMs: 20 })
  await record(1)
  await reached(() => shipping()?.waiting === 0)
  assert.equal(shipping()?.failed, 4)
  assert.equal(JSON.stringify(warnings).includes('s3cr3t'), false)
})

test('what waits at the end is shipped by the next process, once, with the instance that wrote it', async (t) => {
  const folder = await spoolFolder(t)
  const away: LogExporter = { export: (_, done) => done({ code: 1 }) }
  const first = await recording(t, { exporter: away, retryMs: 60_000 }, folder)
  await first.record(20)
  await first.audit.close()
  const exporter = new RecordingExporter()
  const second = await recording(t, { exporter }, folder, 'two')
  await second.record(1)
  await reached(() => exporter.taken.length >= 21)
  assert.deepEqual(sequencesOf(exporter.taken), [...upTo(20), 1])
  const instances = exporter.taken.map(({ attributes }) => Reflect.get(attributes, 'portcullis.audit.instance'))
  assert.deepEqual(instances, [...Array(20).fill('one'), 'two'])
})

test('close ships what waits, without waiting for more to gather', async (t) => {
  const exporter = new RecordingExporter()
  const { audit, record } = await recording(t, { exporter, delayMs: 60_000 })
  await record(5)
  await audit.close()
  assert.deepEqual(sequencesOf(exporter.taken), upTo(5))
})

test('a close beneath an exporter that hangs ends within the time limit of the device', async (t) => {
  const exporter = new RecordingExporter('hang')
  const { audit, record } = await recording(t, { exporter, timeoutMs: 200 })
  await record(5)
  await reached(() => exporter.exports.length > 0)
  const beganMs = performance.now()
  await audit.close()
  assert.ok(performance.now() - beganMs < 5_000)
})

test('a second spool on a folder is refused at the start, in words', async (t) => {
  const folder = await spoolFolder(t)
  const exporter = new RecordingExporter()
  await recording(t, { exporter }, folder)
  await assert.rejects(recording(t, { exporter }, folder), {
    code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE',
    message: 'audit device spool cannot be used: another process has it open',
  })
})

test('exports are not traced, whatever span is active', async (t) => {
  registerTracing(t)
  const seen: unknown[] = []
  const exporter: LogExporter = {
    export(_, done): void {
      seen.push(context.active().getValue(SUPPRESS_TRACING))
      done({ code: 0 })
    },
  }
  const { record, shipping } = await recording(t, { exporter })
  await trace.getTracer('test').startActiveSpan('caller', async (span) => {
    await record(1)
    span.end()
  })
  await reached(() => shipping()?.waiting === 0)
  assert.deepEqual(seen, [true])
})

test('a spool that is full refuses with a code of its own, and takes entries again when some are shipped', async (t) => {
  const exporter = new RecordingExporter()
  exporter.answers.push(...Array.from({ length: 10_000 }, () => ({ code: 1 })))
  const { audit, record, shipping } = await recording(t, { exporter, maxBytes: 1024 * 1024, retryMs: 1 })
  let taken = 0
  const filled = async (): Promise<void> => {
    for (;;) {
      await record(100)
      taken += 100
    }
  }
  await assert.rejects(filled(), {
    code: 'ERR_PORTCULLIS_AUDIT_FULL',
    message: /^audit device spool: its spool is full: \d+ of 1048576 bytes .*; nothing was sent$/,
  })
  assert.deepEqual([audit.failing(), shipping()?.waiting], [['spool'], taken])
  exporter.answers.length = 0
  await reached(() => shipping()?.waiting === 0)
  await record(1)
  assert.deepEqual(audit.failing(), [])
})

test('a best-effort spool that is full counts a gap, and says it in its place', async (t) => {
  const exporter = new RecordingExporter()
  exporter.answers.push(...Array.from({ length: 10_000 }, () => ({ code: 1 })))
  const { audit, shipping } = await recording(t, { exporter, maxBytes: 1024 * 1024, retryMs: 1, required: false })
  const dropped = (): number => audit.counters()[0]?.dropped ?? 0
  let recorded = 0
  for (; dropped() === 0; recorded++) {
    void audit.record(DRAFT)
    if (recorded % 100 === 0) await new Promise(setImmediate)
  }
  exporter.answers.length = 0
  await reached(() => shipping()?.waiting === 0)
  void audit.record(DRAFT)
  await reached(() => exporter.taken.some(({ eventName }) => eventName === 'portcullis.audit.gap'))
  await reached(() => shipping()?.waiting === 0)
  const gap = exporter.taken.find(({ eventName }) => eventName === 'portcullis.audit.gap')
  assert.equal(Reflect.get(gap?.attributes ?? {}, 'portcullis.audit.gap.count'), dropped())
  const told = new Set(sequencesOf(exporter.taken).filter((sequence) => sequence > 0))
  assert.equal(told.size + dropped(), recorded + 1)
})

test('options are checked at once, by name', () => {
  const exporter = new RecordingExporter()
  const wrong: readonly [SpoolOptions | undefined, RegExp][] = [
    [undefined, /spool\(\) must be an object/],
    [{} as SpoolOptions, /exporter must be an OpenTelemetry log record exporter/],
    [{ exporter, batchSize: 0 }, /batchSize must be from 1 to 10000/],
    [{ exporter, maxBytes: 1 }, /maxBytes must be from 1048576/],
    [{ exporter, sync: 1 as unknown as boolean }, /sync must be true or false/],
    [{ exporter, resource: {} as { attributes: object } }, /resource must be an OpenTelemetry resource/],
    [{ exporter, flush: 1 } as SpoolOptions, /spool\(\) has no option "flush"/],
  ]
  for (const [options, message] of wrong) assert.throws(() => spool('/tmp/spool', options as SpoolOptions), { message })
  assert.throws(() => spool('', { exporter }), /folder must be a string that is not empty/)
  assert.equal(spool('/tmp/spool', { exporter }).required, true)
})
