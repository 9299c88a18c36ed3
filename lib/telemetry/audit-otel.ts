import type * as Api from '@opentelemetry/api'
import type { Attributes, LogRecord } from '@opentelemetry/api'
import { AuditError } from '../errors/index.ts'
import type { AuditEntry, AuditGap } from '../model/audit-entry.ts'
import { checkNames } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, type DeviceOptions, deviceOptions } from '../options/device.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'
import { createLogBridge, loadApi } from './bridge.ts'

/**
 * An audit device that emits each entry as an OpenTelemetry log record.
 *
 * Best effort only: `emit()` gives no receipt, and a batch processor drops what it cannot keep without
 * a word. Records carry no body; their attributes are flat, nested parts as JSON text.
 *
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE` for `required: true`.
 */
export function otel(options: DeviceOptions = {}): AuditDeviceOptions {
  checkNames('otel()', options, DEVICE_OPTION_NAMES)
  if (options.required === true) {
    const message =
      'otel() cannot be required: OpenTelemetry gives no receipt for a log record; add a required file() beside it'
    throw new AuditError('ERR_PORTCULLIS_AUDIT_UNUSABLE', message, { device: 'otel', phase: 'start' })
  }
  return deviceOptions(new OtelDevice(), options, false)
}

const INFO = 9
const WARN = 13

class OtelDevice implements AuditDevice {
  readonly name = 'otel'
  #api: typeof Api | undefined
  #emit: (record: LogRecord) => boolean = () => false

  async open(): Promise<void> {
    this.#api = await loadApi()
    const bridge = await createLogBridge()
    this.#emit = bridge.emit
  }

  write(records: readonly AuditRecord[]): void {
    let delivered = true
    for (const record of records) delivered = this.#emit(this.#logRecord(record)) && delivered
    if (!delivered) throw NO_PROVIDER
  }

  async close(): Promise<void> {
    this.#emit = () => false
  }

  #logRecord({ entry }: AuditRecord): LogRecord {
    const isWarning = entry.type === 'gap' || entry.decision.effect === 'deny' || entry.error !== undefined
    const context = this.#context(entry)
    return {
      eventName: `portcullis.audit.${entry.type}`,
      timestamp: new Date(entry.time),
      severityNumber: isWarning ? WARN : INFO,
      severityText: isWarning ? 'WARN' : 'INFO',
      attributes: entry.type === 'gap' ? gapAttributes(entry) : attributes(entry),
      ...(context === undefined ? {} : { context }),
    }
  }

  /** Ties the record to the caller's span, which has ended or is no longer active by now. */
  #context(entry: AuditEntry | AuditGap): Api.Context | undefined {
    if (this.#api === undefined || entry.type === 'gap' || entry.trace === undefined) return undefined
    const { ROOT_CONTEXT, TraceFlags, trace } = this.#api
    const { trace_id: traceId, span_id: spanId } = entry.trace
    return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED })
  }
}

/** Made once: it has no story to tell but its code. */
const NO_PROVIDER = Object.assign(new Error('no OpenTelemetry log provider is registered'), { code: 'NO_PROVIDER' })

function attributes(entry: AuditEntry): Attributes {
  const { decision, request, response } = entry
  const flat: Record<string, string | number | boolean> = {
    'portcullis.audit.instance': entry.instance,
    'portcullis.audit.sequence': entry.sequence,
    'portcullis.caller': JSON.stringify(entry.caller),
    'portcullis.decision.effect': decision.effect,
    'portcullis.decision.reason': decision.reason,
    'portcullis.request.id': request.id,
    'portcullis.request.operation': request.operation,
    'portcullis.request.namespace': request.namespace.path,
    'portcullis.request.path': request.path,
  }
  if (decision.policy !== undefined) flat['portcullis.decision.policy'] = decision.policy
  if (decision.rule !== undefined) flat['portcullis.decision.rule'] = decision.rule
  if (decision.pointer !== undefined) flat['portcullis.decision.pointer'] = decision.pointer
  if (decision.keyword !== undefined) flat['portcullis.decision.keyword'] = decision.keyword
  if (entry.auth !== undefined) flat['portcullis.auth'] = JSON.stringify(entry.auth)
  if (request.query !== undefined) flat['portcullis.request.query'] = JSON.stringify(request.query)
  if (request.data !== undefined) flat['portcullis.request.data'] = JSON.stringify(request.data)
  if (request.wrap_ttl !== undefined) flat['portcullis.request.wrap_ttl'] = request.wrap_ttl
  if (entry.error !== undefined) flat['portcullis.error'] = entry.error
  if (response !== undefined) addResponse(flat, response)
  return flat
}

function addResponse(
  flat: Record<string, string | number | boolean>,
  response: NonNullable<AuditEntry['response']>,
): void {
  flat['portcullis.response.source'] = response.source
  flat['http.response.status_code'] = response.status
  if (response.shared === true) flat['portcullis.response.shared'] = true
  if (response.request_id !== undefined) flat['portcullis.response.request_id'] = response.request_id
  if (response.secret !== undefined) flat['portcullis.response.lease_id'] = response.secret.lease_id
  if (response.warnings !== undefined) flat['portcullis.response.warnings'] = response.warnings
  if (response.data !== undefined) flat['portcullis.response.data'] = jsonOf(response.data)
  if (response.auth !== undefined) flat['portcullis.response.auth'] = JSON.stringify(response.auth)
  if (response.wrap_info !== undefined) flat['portcullis.response.wrap_info'] = JSON.stringify(response.wrap_info)
}

const texts = new WeakMap<object, string>()

/** Written once a lease: all its hits carry the same object. */
function jsonOf(data: object): string {
  let text = texts.get(data)
  if (text === undefined) {
    text = JSON.stringify(data)
    texts.set(data, text)
  }
  return text
}

function gapAttributes({ instance, gap }: AuditGap): Attributes {
  return {
    'portcullis.audit.instance': instance,
    'portcullis.audit.gap.count': gap.count,
    'portcullis.audit.gap.from_sequence': gap.from_sequence,
    'portcullis.audit.gap.to_sequence': gap.to_sequence,
  }
}
