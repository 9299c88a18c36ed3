import type { AuditEntry } from '../model/audit-entry.ts'

/** Trace and span id of a W3C `traceparent`; `undefined` for anything else, since what cannot be read must not stop a request. */
export function parseTraceparent(text: string): AuditEntry['trace'] {
  const match = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-|$)/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  return { trace_id: match[1], span_id: match[2] }
}
