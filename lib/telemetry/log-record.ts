import type { Attributes, LogRecord } from '@opentelemetry/api'
import type { AuditEntry, AuditGap, AuditResponse } from '../model/audit-entry.ts'

const INFO = 9
const WARN = 13

/**
 * `entry` as a log record: an event without body, its attributes flat, nested parts as JSON text.
 *
 * Flat, since the 2.x line takes no nested ones. A refusal, a failure and a gap are warnings.
 */
export function logRecord(entry: AuditEntry | AuditGap): LogRecord {
  const isWarning = entry.type === 'gap' || entry.decision.effect === 'deny' || entry.error !== undefined
  return {
    eventName: `portcullis.audit.${entry.type}`,
    timestamp: Date.parse(entry.time),
    severityNumber: isWarning ? WARN : INFO,
    severityText: isWarning ? 'WARN' : 'INFO',
    attributes: entry.type === 'gap' ? gapAttributes(entry) : entryAttributes(entry),
  }
}

type Flat = Record<string, string | number | boolean>

function entryAttributes(entry: AuditEntry): Attributes {
  const {
    auth,
    caller,
    caller_added: added,
    decision,
    error,
    event,
    instance,
    request,
    response,
    sequence,
    shadow,
  } = entry
  const flat: Flat = {
    'portcullis.audit.instance': instance,
    'portcullis.audit.sequence': sequence,
    'portcullis.caller': JSON.stringify(caller),
    'portcullis.decision.effect': decision.effect,
    'portcullis.decision.reason': decision.reason,
    'portcullis.request.id': request.id,
    'portcullis.request.operation': request.operation,
    'portcullis.request.namespace': request.namespace.path,
    'portcullis.request.path': request.path,
  }
  put(flat, 'portcullis.decision.policy', decision.policy)
  put(flat, 'portcullis.decision.rule', decision.rule)
  put(flat, 'portcullis.decision.pointer', decision.pointer)
  put(flat, 'portcullis.decision.keyword', decision.keyword)
  put(flat, 'portcullis.shadow.effect', shadow?.effect)
  put(flat, 'portcullis.shadow.reason', shadow?.reason)
  put(flat, 'portcullis.shadow.policy', shadow?.policy)
  put(flat, 'portcullis.shadow.rule', shadow?.rule)
  put(flat, 'portcullis.shadow.pointer', shadow?.pointer)
  put(flat, 'portcullis.shadow.keyword', shadow?.keyword)
  put(flat, 'portcullis.caller_added', jsonOf(added))
  put(flat, 'portcullis.auth', jsonOf(auth))
  put(flat, 'portcullis.request.query', jsonOf(request.query))
  put(flat, 'portcullis.request.data', jsonOf(request.data))
  put(flat, 'portcullis.request.shape', jsonOf(request.shape as object | undefined))
  put(flat, 'portcullis.request.wrap_ttl', request.wrap_ttl)
  put(flat, 'portcullis.error', error)
  put(flat, 'portcullis.event.name', event?.name)
  put(flat, 'portcullis.event.detail', jsonOf(event?.detail))
  if (response !== undefined) putResponse(flat, response)
  return flat
}

function putResponse(flat: Flat, { source, status, ...rest }: AuditResponse): void {
  flat['portcullis.response.source'] = source
  flat['http.response.status_code'] = status
  put(flat, 'portcullis.response.shared', rest.shared)
  put(flat, 'portcullis.response.request_id', rest.request_id)
  put(flat, 'portcullis.response.lease_id', rest.secret?.lease_id)
  put(flat, 'portcullis.response.warnings', rest.warnings)
  put(flat, 'portcullis.response.data', jsonOf(rest.data))
  put(flat, 'portcullis.response.auth', jsonOf(rest.auth))
  put(flat, 'portcullis.response.wrap_info', jsonOf(rest.wrap_info))
}

function put(flat: Flat, name: string, value: string | number | boolean | undefined): void {
  if (value !== undefined) flat[name] = value
}

const texts = new WeakMap<object, string>()

/** Written once an object: all hits of a lease carry the same data. */
function jsonOf(part: object | undefined): string | undefined {
  if (part === undefined) return undefined
  let text = texts.get(part)
  if (text === undefined) {
    text = JSON.stringify(part)
    texts.set(part, text)
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
