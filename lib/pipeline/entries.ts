import type { Audit, AuditDraft } from '../audit/audit.ts'
import type { Hasher } from '../audit/hasher.ts'
import { AuditError, PortcullisError } from '../errors/index.ts'
import type { AuditEntry, AuditEvent, AuditRequest, AuditResponse, Source } from '../model/audit-entry.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { JsonObject } from '../model/json.ts'
import type { GatewayRequest } from '../model/request.ts'
import { unseal } from '../model/sealed.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import { type Shape, shapeOf } from '../model/shape.ts'
import { OWN_CALLER } from '../options/caller.ts'
import { type ContentRequest, type EntryContent, elided, USUAL_CONTENT } from './entry-content.ts'
import { OWN_DECISION } from './own-decision.ts'

/** What every entry of one request has in common. */
export interface EntrySubject {
  readonly id: string
  readonly caller: Caller
  readonly decision: Decision
  readonly request: GatewayRequest
  readonly auth: AuditEntry['auth']
  readonly trace: AuditEntry['trace']
}

/** Writes the audit entries of requests. Each resolves once every required device has accepted the entry. @throws {AuditError} */
export interface Entries {
  /** Before something leaves the process. */
  request(subject: EntrySubject): Promise<void> | undefined
  /** Before an answer is handed over. */
  response(subject: EntrySubject, response: AuditResponse): Promise<void> | undefined
  /** What happened to the gateway itself. */
  event(id: string, event: AuditEvent, error?: string): Promise<void> | undefined
  /** A request that was refused, or whose exchange failed. Gives the error to reject with: `error`, or the audit's own with it as cause. */
  failure(subject: EntrySubject, type: 'request' | 'response', error: unknown): Promise<unknown>
  /** The audit form of an answer; each HMAC in it is worked out here, once. */
  answered(answer: ServerAnswer, source: Source, request: ContentRequest): AuditResponse
}

export function createEntries(audit: Audit, { shape = false, content = USUAL_CONTENT }: EntryOptions = {}): Entries {
  const hasher: DraftHasher = { ...audit.hasher, content, shape: shape ? shapeOf : undefined }
  return {
    request: (subject) => audit.record(draft(hasher, subject, 'request')),
    response: (subject, response) => audit.record({ ...draft(hasher, subject, 'response'), response }),
    event: (id, event, error) =>
      audit.record({ ...OWN_EVENT, event, request: eventRequest(id), ...(error === undefined ? {} : { error }) }),
    async failure(subject, type, error): Promise<unknown> {
      try {
        await audit.record({ ...draft(hasher, subject, type), error: described(error, content, subject.request) })
      } catch (refusal) {
        // A refusal of the audit stays the first one: it says what was stopped.
        if (error instanceof AuditError) return error
        return refusal instanceof AuditError ? withCause(refusal, error) : refusal
      }
      return error
    },
    answered: (answer, source, request) => answered(hasher, answer, source, request),
  }
}

/** What entries tell beyond the usual. */
export interface EntryOptions {
  /** The form of what is sent, without its values. */
  readonly shape?: boolean
  /** Default: {@link USUAL_CONTENT}. */
  readonly content?: EntryContent
}

interface DraftHasher extends Hasher {
  readonly content: EntryContent
  readonly shape: ((data: JsonObject) => Shape) | undefined
}

function draft(hasher: DraftHasher, subject: EntrySubject, type: 'request' | 'response'): AuditDraft {
  const { caller, decision, auth, trace } = subject
  const base = { type, caller, decision, request: auditRequest(hasher, subject) }
  if (auth === undefined && trace === undefined) return base
  return { ...base, ...(auth === undefined ? {} : { auth }), ...(trace === undefined ? {} : { trace }) }
}

function auditRequest(hasher: DraftHasher, { id, request }: EntrySubject): AuditRequest {
  const { operation, data, wrapTtlMs } = request
  const path = hasher.content.path(request.path)
  const entry = { id, operation, namespace: namespaceEntry(request.namespace), path }
  let isPlain = data === undefined && wrapTtlMs === 0
  for (const _ in request.query) isPlain = false
  if (isPlain) return entry
  const clear = hasher.content.sent(request)
  return {
    ...entry,
    ...(Object.keys(request.query).length === 0 ? {} : { query: hasher.data(request.query, clear) }),
    ...(data === undefined ? {} : { data: hasher.data(data, clear) }),
    ...(data === undefined || hasher.shape === undefined ? {} : { shape: hasher.shape(data) }),
    ...(wrapTtlMs === 0 ? {} : { wrap_ttl: wrapTtlMs / 1000 }),
  }
}

/** An event is nobody's request: it has the gateway's own caller and decision. */
const OWN_EVENT = Object.freeze({ type: 'event', caller: OWN_CALLER, decision: OWN_DECISION } as const)

function eventRequest(id: string): AuditRequest {
  return { id, operation: 'event', namespace: ROOT, path: '' }
}

const ROOT = Object.freeze({ path: '' })

/** The server writes `team-a/` in its own log. */
function namespaceEntry(namespace: string): { readonly path: string } {
  return namespace === '' ? ROOT : { path: `${namespace}/` }
}

function answered(hasher: DraftHasher, answer: ServerAnswer, source: Source, request: ContentRequest): AuditResponse {
  const { status, requestId, leaseId, data, auth, wrapInfo, warnings } = answer
  return {
    source,
    status,
    ...(requestId === '' ? {} : { request_id: requestId }),
    ...(leaseId === '' ? {} : { secret: { lease_id: hasher.value(leaseId) } }),
    ...(data === undefined ? {} : { data: answeredData(hasher, data, request) }),
    ...(auth === undefined
      ? {}
      : {
          auth: {
            client_token: hasher.value(unseal(auth.token)),
            accessor: hasher.value(unseal(auth.accessor)),
            policies: auth.policies,
          },
        }),
    ...(wrapInfo === undefined
      ? {}
      : {
          wrap_info: {
            token: hasher.value(unseal(wrapInfo.token)),
            accessor: hasher.value(unseal(wrapInfo.accessor)),
            ttl: wrapInfo.ttlMs / 1000,
            creation_path: hasher.content.path(wrapInfo.creationPath),
          },
        }),
    ...(warnings.length === 0 ? {} : { warnings: warnings.length }),
  }
}

function answeredData({ content, ...hasher }: DraftHasher, data: JsonObject, request: ContentRequest): JsonObject {
  const told = content.elides(request) ? elided(data) : data
  return hasher.data(told, content.answered(request))
}

/** A message names the path; where that is not to be told, neither is the message. */
function described(error: unknown, content: EntryContent, { path }: GatewayRequest): string {
  if (error instanceof PortcullisError && content.path(path) !== path) return error.code
  if (error instanceof PortcullisError) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.name : 'unknown'
}

function withCause(refusal: AuditError, cause: unknown): AuditError {
  const { device, phase, temporary } = refusal
  return new AuditError(refusal.code as never, refusal.message, { device, phase, temporary, cause })
}
