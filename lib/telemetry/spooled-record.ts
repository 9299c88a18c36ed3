import type { AuditEntry, AuditGap } from '../model/audit-entry.ts'
import { isoTimeMs } from '../model/iso-time.ts'
import { SCOPE, SCOPE_VERSION } from './bridge.ts'
import { logRecord } from './log-record.ts'

/** Where records come from. An OpenTelemetry `Resource` is one. */
export interface RecordResource {
  readonly attributes: object
  readonly schemaUrl?: string | undefined
}

/** A log record as the SDK hands it to exporters (`ReadableLogRecord`). */
export interface SpooledRecord {
  readonly hrTime: [seconds: number, nanoseconds: number]
  readonly hrTimeObserved: [seconds: number, nanoseconds: number]
  readonly spanContext?: { readonly traceId: string; readonly spanId: string; readonly traceFlags: number }
  readonly severityNumber?: number
  readonly severityText?: string
  readonly eventName?: string
  readonly attributes: object
  readonly droppedAttributesCount: number
  readonly resource: RecordResource
  readonly instrumentationScope: { readonly name: string; readonly version?: string }
}

/** One object, since exporters group by it. */
const INSTRUMENTATION_SCOPE = Object.freeze({ name: SCOPE, version: SCOPE_VERSION })
const SAMPLED = 1
const TYPES: readonly unknown[] = ['request', 'response', 'event', 'gap']

/**
 * The audit entry in a line, as a record.
 *
 * @param resource - The same object each time: exporters group by it.
 * @throws {TypeError|SyntaxError} the line holds none.
 */
export function spooledRecord(line: string, resource: RecordResource): SpooledRecord {
  const entry = entryOf(JSON.parse(line))
  const { attributes = {}, eventName, severityNumber, severityText } = logRecord(entry)
  const timeMs = isoTimeMs(entry.time)
  if (timeMs === undefined) throw new TypeError('the entry has no time')
  const hrTime: [number, number] = [Math.floor(timeMs / 1000), (timeMs % 1000) * 1_000_000]
  return {
    hrTime,
    hrTimeObserved: hrTime,
    ...(eventName === undefined ? {} : { eventName }),
    ...(severityNumber === undefined ? {} : { severityNumber }),
    ...(severityText === undefined ? {} : { severityText }),
    ...spanOf(entry),
    attributes,
    droppedAttributesCount: 0,
    resource,
    instrumentationScope: INSTRUMENTATION_SCOPE,
  }
}

function entryOf(value: unknown): AuditEntry | AuditGap {
  if (typeof value !== 'object' || value === null) throw new TypeError('no object')
  const { type, time } = value as Record<string, unknown>
  if (!TYPES.includes(type) || typeof time !== 'string') throw new TypeError('no audit entry')
  return value as AuditEntry | AuditGap
}

/** As sampled, whatever the span is: an audit does not depend on sampling. */
function spanOf(entry: AuditEntry | AuditGap): Pick<SpooledRecord, 'spanContext'> {
  if (entry.type === 'gap' || entry.trace === undefined) return {}
  const { trace_id: traceId, span_id: spanId } = entry.trace
  return { spanContext: { traceId, spanId, traceFlags: SAMPLED } }
}
