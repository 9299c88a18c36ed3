import type { JudgedAttributes } from './caller.ts'
import type { DecisionReason } from './decision.ts'
import type { JsonObject } from './json.ts'
import type { Shape } from './shape.ts'

/** Where an answer came from. */
export type Source = 'server' | 'cache' | 'stale'

/**
 * One line of the audit, in the shape of the server's own log plus what only the gateway knows.
 *
 * Strings in `data` are `hmac-sha256:…`; so are tokens, accessors and lease ids. Valid against
 * `schemas/audit-entry.schema.json`. Names are the wire's, since this object is the wire form.
 */
export interface AuditEntry {
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string
  /** `event`: something that happened to the gateway itself, see {@link AuditEvent}. */
  readonly type: 'request' | 'response' | 'event'
  /** Process that wrote it; with `sequence` unique for ever. */
  readonly instance: string
  /** Grows by 1 with each entry of an instance, from 1. */
  readonly sequence: number
  readonly caller: JudgedAttributes
  /** Of a caller below others: names of the attributes that each of the chain added, root first. */
  readonly caller_added?: readonly (readonly string[])[]
  readonly decision: AuditDecision
  /** What would be decided if the policies of mode shadow were enforced; absent where none binds the caller. */
  readonly shadow?: AuditDecision
  readonly auth?: { readonly client_token?: string; readonly accessor?: string }
  readonly request: AuditRequest
  readonly response?: AuditResponse
  /** `code: message` of the failure; never a value. */
  readonly error?: string
  readonly trace?: { readonly trace_id: string; readonly span_id: string }
  /** On entries of type `event`. */
  readonly event?: AuditEvent
}

/** What happened to the gateway itself, without a request of a caller. */
export interface AuditEvent {
  readonly name: AuditEventName
  /** What is known of it; names and numbers, never a value. */
  readonly detail: JsonObject
}

/** Events that are recorded; the README and the schema say when. */
export const AUDIT_EVENT_NAMES = [
  'audit.tried',
  'lease.ended',
  'lease.leaked',
  'lease.rotated',
  'mount.disabled',
  'mount.enabled',
  'mount.moved',
  'mount.reloaded',
  'mount.tuned',
  'plugin.crashed',
  'plugin.registered',
  'plugin.removed',
  'plugin.started',
  'plugin.start_failed',
  'policies.refused',
  'policies.reloaded',
  'session.login',
  'session.login_failed',
  'session.token_died',
] as const

/** One of them. */
export type AuditEventName = (typeof AUDIT_EVENT_NAMES)[number]

/** Stands where a best-effort device lost entries: how many, and between which sequence numbers. */
export interface AuditGap {
  readonly time: string
  readonly type: 'gap'
  readonly instance: string
  readonly gap: { readonly count: number; readonly from_sequence: number; readonly to_sequence: number }
}

/** The decision as it stands in an entry. */
export interface AuditDecision {
  readonly effect: 'allow' | 'deny'
  readonly reason: DecisionReason
  readonly policy?: string
  readonly rule?: string
  readonly pointer?: string
  readonly keyword?: string
}

/** The request as it stands in an entry. */
export interface AuditRequest {
  /** Ours; joins request and response entry, and goes out as the correlation header. */
  readonly id: string
  readonly operation: string
  readonly namespace: { readonly path: string }
  readonly path: string
  readonly query?: JsonObject
  readonly data?: JsonObject
  /** Form of `data`, without its values: where the option `audit.shape` asks for it. */
  readonly shape?: Shape
  /** Seconds, as the server logs it. */
  readonly wrap_ttl?: number
}

/** The answer as it stands in an entry. */
export interface AuditResponse {
  readonly source: Source
  /** One flight served several callers, and this caller did not lead it. */
  readonly shared?: boolean
  /** HTTP status; 0 where none was received. */
  readonly status: number
  /** The server's id of the request, where it gave one. */
  readonly request_id?: string
  readonly secret?: { readonly lease_id: string }
  readonly data?: JsonObject
  readonly auth?: { readonly client_token: string; readonly accessor: string; readonly policies: readonly string[] }
  readonly wrap_info?: {
    readonly token: string
    readonly accessor: string
    readonly ttl: number
    readonly creation_path: string
  }
  readonly warnings?: number
}
