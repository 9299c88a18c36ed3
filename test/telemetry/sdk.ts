import type { TestContext } from 'node:test'
import { context, logs, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

/** Registers a tracer provider and a context manager; the spans that ended are in what it returns. */
export function registerTracing(t: TestContext): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  t.after(() => {
    trace.disable()
    context.disable()
  })
  return exporter
}

/** Registers a meter provider; gives a function that collects its metrics by name. */
export function registerMetrics(t: TestContext): () => Promise<ReadonlyMap<string, MetricData>> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
  t.after(async () => {
    metrics.disable()
    await provider.shutdown()
  })
  return async () => {
    await provider.forceFlush()
    const scopes = exporter.getMetrics().at(-1)?.scopeMetrics ?? []
    return new Map(scopes.flatMap((scope) => scope.metrics.map((metric) => [metric.descriptor.name, metric])))
  }
}

/** A logger provider of the 3.x line; not registered. */
export function memoryLogs(): { readonly provider: LoggerProvider; readonly exporter: InMemoryLogRecordExporter } {
  const exporter = new InMemoryLogRecordExporter()
  return { provider: new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }), exporter }
}

/** Registers a logger provider with the API of 1.10. */
export function registerLogs(t: TestContext): InMemoryLogRecordExporter {
  const { provider, exporter } = memoryLogs()
  logs.setGlobalLoggerProvider(provider)
  t.after(() => logs.disable())
  return exporter
}
