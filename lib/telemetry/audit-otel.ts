import type * as Api from '@opentelemetry/api'
import { AuditError } from '../errors/index.ts'
import type { AuditEntry, AuditGap } from '../model/audit-entry.ts'
import { checkNames, stringOption } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, type DeviceOptions, deviceOptions } from '../options/device.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'
import { bridgeTo, createLogBridge, type LogBridge, loadApi } from './bridge.ts'
import type { Emitter } from './emitter.ts'
import { logRecord } from './log-record.ts'

/** What is asked of {@link otel}. */
export interface OtelOptions extends DeviceOptions {
  /** Emits the records, instead of whatever provider is registered. */
  readonly logger?: Emitter
  /** Unique among the devices; stands in errors and metrics. Default `otel`. */
  readonly name?: string
}

/**
 * An audit device that emits each entry as an OpenTelemetry log record.
 *
 * Best effort only: `emit()` gives no receipt, and a batch processor drops what it cannot keep without
 * a word. While no provider is registered, entries are lost, which is said once; when one comes, the marker
 * of the gap comes first. Records carry no body; their attributes are flat, nested parts as JSON text.
 *
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE` for `required: true`.
 * @throws {TypeError|RangeError} naming the option.
 */
export function otel(options: OtelOptions = {}): AuditDeviceOptions {
  checkNames('otel()', options, [...DEVICE_OPTION_NAMES, 'logger', 'name'])
  const { logger } = options
  const name = stringOption('name', options.name, 'otel')
  if (logger !== undefined && typeof logger?.emit !== 'function')
    throw new TypeError('logger must be an OpenTelemetry logger, with a function emit')
  return deviceOptions(new OtelDevice(name, logger), options, false)
}

class OtelDevice implements AuditDevice {
  readonly name: string
  readonly neverRequired =
    'otel() cannot be required: OpenTelemetry gives no receipt for a log record; add a required file() beside it'
  readonly #noProvider: AuditError
  #bridge: LogBridge | undefined
  #api: typeof Api | undefined

  constructor(name: string, logger: Emitter | undefined) {
    this.name = name
    this.#bridge = logger === undefined ? undefined : bridgeTo(logger)
    const message = 'no OpenTelemetry log provider is registered: register one, or its audit entries are lost'
    this.#noProvider = new AuditError('ERR_PORTCULLIS_AUDIT_FAILED', message, { device: name, phase: 'request' })
  }

  async open(): Promise<void> {
    this.#api = await loadApi()
    this.#bridge ??= await createLogBridge()
  }

  write(records: readonly AuditRecord[]): void {
    for (const { entry } of records) {
      const record = { ...logRecord(entry), ...this.#context(entry) }
      if (this.#bridge?.emit(record) !== true) throw this.#noProvider
    }
  }

  async close(): Promise<void> {}

  /**
   * Ties the record to the caller's span. Never to the active one: entries of many callers are written in one
   * go, in the context of whoever came first. Marked as sampled whatever the span is, since an audit does not
   * depend on sampling.
   */
  #context(entry: AuditEntry | AuditGap): { readonly context?: Api.Context } {
    if (this.#api === undefined) return {}
    const { ROOT_CONTEXT, TraceFlags, trace } = this.#api
    if (entry.type === 'gap' || entry.trace === undefined) return { context: ROOT_CONTEXT }
    const { trace_id: traceId, span_id: spanId } = entry.trace
    return { context: trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED }) }
  }
}
