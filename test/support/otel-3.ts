import { channel } from 'node:diagnostics_channel'
import type { TestContext } from 'node:test'
import { context, logs, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

/** Telemetry of an application on the OpenTelemetry 3.x line. */
export interface Application {
  /** Exports what there is, of all three signals, and takes the providers back. Idempotent. */
  close(): Promise<void>
}

/** Registers providers for all three signals, exporting to the OTLP receiver at `url`. */
export function startApplication(t: TestContext, url: string): Application {
  const logExporter = new OTLPLogExporter({ url: `${url}/v1/logs` })
  const loggers = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter: logExporter })] })
  const spanExporter = new OTLPTraceExporter({ url: `${url}/v1/traces` })
  const tracers = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter: spanExporter })] })
  const metricExporter = new OTLPMetricExporter({ url: `${url}/v1/metrics` })
  const meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: metricExporter })] })
  const providers = [loggers, tracers, meters]
  logs.setGlobalLoggerProvider(loggers)
  trace.setGlobalTracerProvider(tracers)
  metrics.setGlobalMeterProvider(meters)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= shutDown(providers)
    return closing
  }
  t.after(close)
  return { close }
}

async function shutDown(providers: readonly { shutdown(): Promise<void> }[]): Promise<void> {
  await Promise.all(providers.map((provider) => provider.shutdown()))
  for (const api of [logs, trace, metrics, context]) api.disable()
}

/** Makes a span with the whole URL of each request of undici, as its instrumentation does; a suppressed context records none. */
export function instrumentUndici(t: TestContext): void {
  const created = channel('undici:request:create')
  const listener = (message: unknown): void => {
    const { request } = message as { readonly request: { readonly origin: string; readonly path: string } }
    const attributes = { 'url.full': `${request.origin}${request.path}` }
    trace.getTracer('undici').startSpan('GET', { attributes }).end()
  }
  created.subscribe(listener)
  t.after(() => created.unsubscribe(listener))
}
