/** What of a log record is handed on. */
export interface EmittedRecord {
  readonly eventName?: string
  readonly timestamp?: unknown
  readonly severityNumber?: number
  readonly severityText?: string
  readonly attributes?: object
  readonly context?: unknown
}

/**
 * What we need of an OpenTelemetry `Logger`, of either line.
 *
 * Without the types of `@opentelemetry/api`: the peer is optional, and our declarations must compile where it
 * is absent or of the 1.9 line, which has no logs.
 */
export interface Emitter {
  emit(record: EmittedRecord): void
}
