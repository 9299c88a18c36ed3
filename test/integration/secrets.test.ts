import assert from 'node:assert/strict'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { logs, metrics, trace } from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { type AuditEntry, callback, file, otel, token } from 'portcullis'
import { findPlanted, plantSecrets, plantTokens } from 'portcullis/testing'
import { realServersAbsent } from '../support/real-servers.ts'
import { allowing, openGateway, startAuditedBao, temporaryFolder } from './real.ts'

const skip = await realServersAbsent()

/** Everything that lru-cache tells whoever listens, keys and values included. */
function listenToLruCache(t: TestContext): unknown[] {
  const heard: unknown[] = []
  const hear = (message: unknown): void => void heard.push(message)
  const metricsChannel = channel('lru-cache:metrics')
  metricsChannel.subscribe(hear)
  const tracing = tracingChannel('lru-cache')
  const handlers = { start: hear, end: hear, asyncStart: hear, asyncEnd: hear, error: hear }
  tracing.subscribe(handlers)
  t.after(() => {
    metricsChannel.unsubscribe(hear)
    tracing.unsubscribe(handlers)
  })
  return heard
}

function registerOtel(t: TestContext): () => Promise<unknown[]> {
  const spans = new InMemorySpanExporter()
  const records = new InMemoryLogRecordExporter()
  const points = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 3_600_000 })
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }))
  logs.setGlobalLoggerProvider(
    new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: records })] }),
  )
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  t.after(async () => {
    await reader.shutdown()
    trace.disable()
    logs.disable()
    metrics.disable()
  })
  return async () => {
    await reader.forceFlush()
    const emitted = [spans.getFinishedSpans(), records.getFinishedLogRecords(), points.getMetrics()]
    assert.ok(
      emitted.every(({ length }) => length > 0),
      'each signal was emitted',
    )
    return emitted.flat()
  }
}

/** What is written to standard output and error, by anyone. */
function listenToOutput(t: TestContext): string[] {
  const written: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write
    stream.write = ((chunk: string | Uint8Array, ...rest: []) => {
      written.push(String(chunk))
      return write.call(stream, chunk, ...rest)
    }) as typeof stream.write
    t.after(() => {
      stream.write = write
    })
  }
  return written
}

test('row k: planted secrets are in no log, error, span, metric, diagnostics channel, cache key or audit entry', {
  skip,
}, async (t) => {
  const tokens = plantTokens(['token', 'child'])
  const secrets = plantSecrets(['password', 'leased', 'plaintext', 'queried'])
  const bao = await startAuditedBao(t, { leasedKv: true, rootToken: tokens.token })
  await bao.root('POST', 'auth/token/create', { id: tokens.child, policies: ['default'] })
  await bao.root('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await bao.root('POST', 'sys/mounts/transit', { type: 'transit' })
  await bao.root('POST', 'transit/keys/k')
  await bao.root('POST', 'secret/app', { password: secrets.leased, ttl: '1h' })

  const seen: unknown[] = []
  const heard = listenToLruCache(t)
  const output = listenToOutput(t)
  const exported = registerOtel(t)
  const entries: AuditEntry[] = []
  const auditFile = `${temporaryFolder(t)}/audit.jsonl`
  const rules = allowing(['secret/*', 'kv/*', 'transit/*', 'sys/wrapping/unwrap'], ['*'])
  const { gateway } = await openGateway(t, bao, {
    auth: token({ token: tokens.token }),
    policies: [
      rules,
      {
        policy: 'strict',
        rules: [
          {
            path: 'transit/encrypt/k',
            operations: ['write'],
            effect: 'allow',
            request: { properties: { plaintext: { type: 'string', maxLength: 4 } }, additionalProperties: false },
          },
          {
            path: 'kv/data/checked',
            operations: ['read'],
            effect: 'allow',
            response: { properties: { data: { type: 'object', properties: { password: { type: 'number' } } } } },
          },
          { path: 'sys/raw', operations: ['*'], effect: 'forbid' },
        ],
      },
    ],
    audit: {
      devices: [file(auditFile), otel(), callback('memory', (entry) => void entries.push(entry as AuditEntry))],
    },
  })
  for (const event of ['denied', 'login', 'loginFailed', 'leaked', 'warning'] as const)
    gateway.on(event, (told: unknown) => void seen.push(told))
  const child = gateway.as({ user: 'child' }, { token: tokens.child })
  const keep = async (call: Promise<unknown>): Promise<void> => {
    seen.push(await call.catch((error: unknown) => error))
  }

  await keep(gateway.kv('kv').write('app', { password: secrets.password }))
  await keep(gateway.kv('kv').write('checked', { password: secrets.password }))
  const read = await gateway.kv('kv').read<{ password: string }>('app')
  assert.equal(read.value?.password, secrets.password)
  seen.push(read.answer)
  await keep(gateway.read('kv/data/checked'))
  await keep(gateway.read('secret/app'))
  await keep(gateway.read('secret/app'))
  await keep(child.read('secret/app'))
  await keep(child.read('kv/data/app'))
  await keep(gateway.read('secret/app', { query: { q: secrets.queried } }))
  await keep(gateway.write('transit/encrypt/k', { plaintext: secrets.plaintext }))
  await keep(gateway.write('transit/decrypt/k', { ciphertext: secrets.plaintext }))
  await keep(gateway.write('sys/raw', { value: secrets.password }))
  await keep(gateway.write('kv/data/cas', { data: { password: secrets.password }, options: { cas: 7 } }))
  await keep(gateway.login('auth/nowhere/login', { password: secrets.password }))
  await keep(gateway.as({ user: 'x' }, { token: `${tokens.child}bad` }).read('secret/app'))
  const wrapped = await gateway.read('kv/data/app', { wrapTtlMs: 60_000 })
  const wrapping = { wrapping: wrapped.wrapped?.token ?? 'none' }
  seen.push(wrapped)
  await keep(gateway.unwrap(wrapping.wrapping, { creationPath: 'kv/data/other' }))
  await keep(gateway.unwrap(wrapping.wrapping))
  await keep(gateway.unwrap(wrapping.wrapping))
  seen.push(
    await gateway.health(),
    gateway,
    gateway.explain({ operation: 'write', path: 'transit/encrypt/k', data: { plaintext: secrets.plaintext } }),
  )

  // Answers hold their secret by design; what they show of themselves must not.
  const shown = seen.map((value) =>
    value instanceof Error ? value : [inspect(value, { depth: Infinity, showHidden: true }), JSON.stringify(value)],
  )
  const emitted = await exported()
  const planted = { ...tokens, ...secrets, ...wrapping }
  assert.ok(heard.length > 0, 'lru-cache told something')
  assert.ok(seen.filter((value) => value instanceof Error).length >= 8, 'errors were met')
  assert.deepEqual(
    findPlanted({ shown, heard, output, emitted, entries, auditFile: readFileSync(auditFile, 'utf8') }, planted),
    [],
  )
})

test('the scan finds what is really there', () => {
  const secrets = plantSecrets(['password'])
  assert.ok(findPlanted({ cause: new Error(`failed with ${secrets.password}`) }, secrets).length > 0)
  assert.ok(findPlanted(Buffer.from(secrets.password).toString('base64'), secrets).length > 0)
})
