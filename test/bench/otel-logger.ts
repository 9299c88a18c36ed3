import { type Logger, logs } from '@opentelemetry/api'
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs'

/** What an application has: a logger whose records are batched, and an exporter. */
export interface OtelLogs {
  readonly logger: Logger
  /** Records exported so far. */
  exported(): number
  close(): Promise<void>
}

/** Registers a provider with a batch processor. The exporter takes all and keeps nothing: what is measured is the way there. */
export function startOtelLogs(): OtelLogs {
  let exported = 0
  const exporter: LogRecordExporter = {
    export(records, done): void {
      exported += records.length
      done({ code: 0 })
    },
    forceFlush: async (): Promise<void> => {},
    shutdown: async (): Promise<void> => {},
  }
  // The default queue, 2,048, would be full within a few milliseconds of this, and a record dropped costs nothing.
  const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: 1 << 18 })
  const provider = new LoggerProvider({ processors: [processor] })
  logs.setGlobalLoggerProvider(provider)
  return { logger: logs.getLogger('bench'), exported: () => exported, close: () => provider.shutdown() }
}
