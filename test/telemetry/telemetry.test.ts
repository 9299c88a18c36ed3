import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { context, metrics, ROOT_CONTEXT, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { createTelemetry } from '../../lib/telemetry/telemetry.ts'
import { registerMetrics, registerTracing } from './sdk.ts'

test('a span has its name, its attributes and our scope', async (t) => {
  const exporter = registerTracing(t)
  const telemetry = await createTelemetry()
  const span = telemetry.span('portcullis.request', { 'portcullis.operation': 'read' })
  span.set('portcullis.cache', 'hit')
  span.set('portcullis.attempts', 2)
  span.end()
  const [only, ...more] = exporter.getFinishedSpans()
  assert.equal(more.length, 0)
  assert.equal(only?.name, 'portcullis.request')
  assert.equal(only.instrumentationScope.name, 'portcullis')
  assert.deepEqual(only.attributes, {
    'portcullis.operation': 'read',
    'portcullis.cache': 'hit',
    'portcullis.attempts': 2,
  })
  assert.equal(only.status.code, SpanStatusCode.UNSET)
})

test('a span that ended with a code is failed, and says no more than the code', async (t) => {
  const exporter = registerTracing(t)
  const telemetry = await createTelemetry()
  telemetry.span('portcullis.session.login', {}).end('ERR_PORTCULLIS_SESSION_LOGIN')
  const [span] = exporter.getFinishedSpans()
  assert.deepEqual(span?.status, { code: SpanStatusCode.ERROR })
  assert.deepEqual(span.attributes, { 'error.type': 'ERR_PORTCULLIS_SESSION_LOGIN' })
  assert.deepEqual(span.events, [])
})

test("a span is a child of the caller's span", async (t) => {
  const exporter = registerTracing(t)
  const telemetry = await createTelemetry()
  trace.getTracer('app').startActiveSpan('outer', (outer) => {
    telemetry.span('portcullis.request', {}).end()
    outer.end()
  })
  const [inner, outer] = exporter.getFinishedSpans()
  assert.equal(inner?.parentSpanContext?.spanId, outer?.spanContext().spanId)
})

test("the caller's active span is told by its ids, and nothing where there is none", async (t) => {
  registerTracing(t)
  const telemetry = await createTelemetry()
  assert.equal(telemetry.active(), undefined)
  trace.getTracer('app').startActiveSpan('outer', (outer) => {
    const { traceId, spanId } = outer.spanContext()
    assert.equal(telemetry.active()?.traceId, traceId)
    assert.equal(telemetry.active()?.spanId, spanId)
    outer.end()
  })
})

test('a span context of zeros is none', async (t) => {
  registerTracing(t)
  const telemetry = await createTelemetry()
  const zeros = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: TraceFlags.NONE }
  context.with(trace.setSpanContext(ROOT_CONTEXT, zeros), () => assert.equal(telemetry.active(), undefined))
})

test('beneath suppressed() no span is recorded, after awaiting neither; beside it they are', async (t) => {
  const exporter = registerTracing(t)
  const telemetry = await createTelemetry()
  const tracer = trace.getTracer('undici')
  const result = await telemetry.suppressed(async () => {
    tracer.startSpan('GET /v1/secret').end()
    await new Promise((resolve) => setImmediate(resolve))
    tracer.startSpan('GET /v1/secret').end()
    return 'answer'
  })
  assert.equal(result, 'answer')
  assert.deepEqual(exporter.getFinishedSpans(), [])
  tracer.startSpan('beside').end()
  assert.equal(exporter.getFinishedSpans().length, 1)
})

test('what runs beneath suppressed() fails as it would alone, and runs once', async () => {
  const telemetry = await createTelemetry()
  let runs = 0
  const failing = (): never => {
    runs += 1
    throw new TypeError('own failure')
  }
  assert.throws(() => telemetry.suppressed(failing), { name: 'TypeError', message: 'own failure' })
  assert.equal(runs, 1)
})

test('counters count what they are told, with unit and attributes', async (t) => {
  const collect = registerMetrics(t)
  const telemetry = await createTelemetry()
  telemetry.count('portcullis.audit.gaps', { 'portcullis.audit.device': 'otel' }, 3)
  telemetry.count('portcullis.audit.gaps', { 'portcullis.audit.device': 'otel' })
  const metric = (await collect()).get('portcullis.audit.gaps')
  assert.equal(metric?.descriptor.unit, '{entry}')
  assert.deepEqual(
    metric.dataPoints.map(({ value, attributes }) => [value, attributes]),
    [[4, { 'portcullis.audit.device': 'otel' }]],
  )
})

test('durations are a histogram in seconds, with bounds from a cache hit to a server that hangs', async (t) => {
  const collect = registerMetrics(t)
  const telemetry = await createTelemetry()
  telemetry.duration(0.00002, {})
  telemetry.duration(30, {})
  const metric = (await collect()).get('portcullis.request.duration')
  assert.equal(metric?.descriptor.unit, 's')
  const value = metric.dataPoints[0]?.value as { buckets: { boundaries: number[]; counts: number[] }; count: number }
  assert.equal(value.count, 2)
  assert.equal(value.buckets.boundaries[0], 0.00005)
  assert.equal(value.buckets.boundaries.at(-1), 60)
  assert.equal(value.buckets.counts[0], 1)
  assert.equal(value.buckets.counts.at(-2), 1)
})

test('what was counted before a provider was registered does not keep later counts away', async (t) => {
  const telemetry = await createTelemetry()
  telemetry.count('portcullis.audit.entries', {})
  telemetry.duration(1, {})
  const collect = registerMetrics(t)
  telemetry.count('portcullis.audit.entries', {})
  telemetry.duration(1, {})
  const found = await collect()
  assert.deepEqual(
    found.get('portcullis.audit.entries')?.dataPoints.map(({ value }) => value),
    [1],
  )
  assert.equal(found.get('portcullis.request.duration')?.dataPoints.length, 1)
})

test('a tracer provider registered late gets the spans', async (t) => {
  const telemetry = await createTelemetry()
  telemetry.span('portcullis.request', {}).end()
  const exporter = registerTracing(t)
  telemetry.span('portcullis.request', {}).end()
  assert.equal(exporter.getFinishedSpans().length, 1)
})

test('providers that were replaced get no more, their successors do', async (t) => {
  const telemetry = await createTelemetry()
  const collectFirst = registerMetrics(t)
  const first = registerTracing(t)
  telemetry.count('portcullis.audit.entries', {})
  telemetry.span('portcullis.request', {}).end()
  for (const api of [metrics, trace, context]) api.disable()
  const collectSecond = registerMetrics(t)
  const second = registerTracing(t)
  telemetry.count('portcullis.audit.entries', {}, 5)
  telemetry.span('portcullis.request', {}).end()
  assert.deepEqual((await collectFirst()).get('portcullis.audit.entries')?.dataPoints[0]?.value, 1)
  assert.deepEqual((await collectSecond()).get('portcullis.audit.entries')?.dataPoints[0]?.value, 5)
  assert.deepEqual([first.getFinishedSpans().length, second.getFinishedSpans().length], [1, 1])
})

test('an SDK that throws from everywhere breaks nothing', async (t) => {
  registerBroken(t)
  const telemetry = await createTelemetry()
  const span = telemetry.span('portcullis.request', {})
  span.set('a', 1)
  span.end('ERR')
  telemetry.count('portcullis.audit.entries', {})
  telemetry.duration(1, {})
  assert.equal(telemetry.active(), undefined)
  let runs = 0
  assert.equal(
    telemetry.suppressed(() => ++runs),
    1,
  )
  assert.equal(runs, 1)
})

test('a span that throws at each call breaks nothing', async (t) => {
  const span = new Proxy({}, { get: () => broken })
  const provider = { getTracer: () => ({ startSpan: () => span }) }
  trace.setGlobalTracerProvider(provider as never)
  t.after(() => trace.disable())
  const made = (await createTelemetry()).span('portcullis.request', {})
  made.set('a', 1)
  made.end('ERR')
  made.end()
})

test('where @opentelemetry/api is not installed, telemetry does nothing and audit says that nobody listens', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-C', 'portcullis-source', '--import', hiding(['@opentelemetry/api', '@opentelemetry/api-logs']), '-e', ALONE],
    { cwd: new URL('../..', import.meta.url), timeout: 20_000 },
  )
  assert.deepEqual(JSON.parse(stdout), { isNone: true, ran: 1, emitted: false })
})

const ALONE = `
  const root = process.cwd()
  const { createTelemetry } = await import(root + '/lib/telemetry/telemetry.ts')
  const { createLogBridge } = await import(root + '/lib/telemetry/bridge.ts')
  const { NO_TELEMETRY } = await import(root + '/lib/ports/telemetry.ts')
  const telemetry = await createTelemetry()
  telemetry.count('portcullis.audit.entries', {})
  telemetry.span('portcullis.request', {}).end()
  const ran = telemetry.suppressed(() => 1)
  const emitted = (await createLogBridge()).emit({ eventName: 'x' })
  console.log(JSON.stringify({ isNone: telemetry === NO_TELEMETRY, ran, emitted }))
`

/** A module that makes packages look as if they were not installed. */
function hiding(packages: readonly string[]): string {
  const source = `
    import { registerHooks } from 'node:module'
    const hidden = ${JSON.stringify(packages)}
    registerHooks({
      resolve(specifier, context, next) {
        if (hidden.includes(specifier)) {
          throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' })
        }
        return next(specifier, context)
      },
    })`
  return `data:text/javascript,${encodeURIComponent(source)}`
}

function broken(): never {
  throw new Error('the SDK is broken')
}

/** Providers of which each function throws. */
function registerBroken(t: TestContext): void {
  const everything = new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : broken) })
  trace.setGlobalTracerProvider({ getTracer: broken })
  metrics.setGlobalMeterProvider(everything as never)
  context.setGlobalContextManager(everything as never)
  t.after(() => {
    trace.disable()
    metrics.disable()
    try {
      context.disable()
    } catch {
      // It is broken, too.
    }
    Reflect.deleteProperty(Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1')) as object, 'context')
  })
}
