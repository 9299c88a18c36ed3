import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import { parseObject } from './parse-json.ts'
import { seal } from './sealed.ts'
import type { ServerAnswer, TokenGrant, WrapInfo } from './server-answer.ts'

/** What an answer's body is. */
export type Body =
  | { readonly kind: 'empty' }
  | { readonly kind: 'json'; readonly object: JsonObject }
  | { readonly kind: 'raw'; readonly contentType: string }
  | { readonly kind: 'bad'; readonly what: string }

/** Looks at a body, by the content type it claims. */
export function bodyOf(claimed: string, bytes: Uint8Array): Body {
  if (bytes.length === 0) return { kind: 'empty' }
  const contentType = claimed.toLowerCase()
  const mediaType = contentType.split(';', 1)[0]?.trim() ?? ''
  if (mediaType === 'application/json' || mediaType === '') {
    const object = parseObject(bytes)
    return object === undefined ? { kind: 'bad', what: 'the body is no JSON object' } : { kind: 'json', object }
  }
  if (mediaType === 'text/html')
    return { kind: 'bad', what: 'the body is a web page; is something else listening there?' }
  return { kind: 'raw', contentType }
}

/** Fields of the envelope around `data`. A few answers of `sys/` (health, seal-status, leader) come without one. */
const ENVELOPE: readonly string[] = ['data', 'request_id', 'lease_id', 'auth', 'wrap_info', 'errors', 'warnings']

/**
 * What was said in our units, odd shapes intact. For what came over HTTP, and for what a plugin host keeps in that form.
 *
 * @returns `undefined` where `data`, `auth` or `wrap_info` are not what a server sends there.
 */
export function answerOf(status: number, body: Body, received: Uint8Array): ServerAnswer | undefined {
  if (body.kind === 'json') return fromJson(status, body.object)
  const bytes = body.kind === 'raw' ? Uint8Array.from(received) : undefined
  const raw =
    body.kind === 'raw' && bytes !== undefined ? Object.freeze({ contentType: body.contentType, bytes }) : undefined
  return { ...EMPTY_ANSWER, status, raw }
}

/** Success, or one of the refusals that carry data: transit batches (400), deleted KV versions (404). */
export function isAnswer(status: number, body: Body): boolean {
  if (status >= 200 && status < 300) return true
  if (status !== 400 && status !== 404) return false
  return body.kind === 'json' && isJsonObject(body.object.data)
}

/** An answer that says nothing; what a dry run gives. */
export const EMPTY_ANSWER: ServerAnswer = Object.freeze({
  status: 0,
  requestId: '',
  leaseId: '',
  leaseDurationMs: 0,
  renewable: false,
  data: undefined,
  warnings: Object.freeze([]),
  wrapInfo: undefined,
  auth: undefined,
  raw: undefined,
  mountType: '',
})

function fromJson(status: number, body: JsonObject): ServerAnswer | undefined {
  const data = ENVELOPE.some((name) => Object.hasOwn(body, name)) ? (body.data ?? undefined) : body
  const auth = body.auth ?? undefined
  const wrapInfo = body.wrap_info ?? undefined
  if (!isObjectOrNone(data) || !isObjectOrNone(auth) || !isObjectOrNone(wrapInfo)) return undefined
  return {
    status,
    requestId: textOf(body.request_id),
    leaseId: textOf(body.lease_id),
    leaseDurationMs: msOf(body.lease_duration),
    renewable: body.renewable === true,
    data,
    warnings: textsOf(body.warnings),
    wrapInfo: wrapInfo && wrapInfoOf(wrapInfo),
    auth: auth && grantOf(auth),
    raw: undefined,
    mountType: textOf(body.mount_type),
  }
}

function wrapInfoOf(info: JsonObject): WrapInfo {
  return {
    token: seal(textOf(info.token)),
    accessor: seal(textOf(info.accessor)),
    ttlMs: msOf(info.ttl),
    creationPath: textOf(info.creation_path),
    creationTime: textOf(info.creation_time),
  }
}

function grantOf(auth: JsonObject): TokenGrant {
  return {
    token: seal(textOf(auth.client_token)),
    accessor: seal(textOf(auth.accessor)),
    // 0 stands for a token without end, such as a root token; nonsense for one that is dead already.
    ttlMs: auth.lease_duration === 0 ? Infinity : msOf(auth.lease_duration),
    renewable: auth.renewable === true,
    policies: textsOf(auth.policies),
    tokenType: textOf(auth.token_type),
    orphan: auth.orphan === true,
    numUses: countOf(auth.num_uses),
    mfaRequired: isJsonObject(auth.mfa_requirement),
  }
}

const NO_TEXTS: readonly string[] = Object.freeze([])

/** Milliseconds of whole or broken seconds; 0 for anything that is no duration. */
function msOf(seconds: JsonValue | undefined): number {
  return Math.min(Math.floor(countOf(seconds) * 1000), Number.MAX_SAFE_INTEGER)
}

function countOf(value: JsonValue | undefined): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** The strings in a list; nothing for what is no list. */
export function textsOf(value: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) return NO_TEXTS
  return Object.freeze(value.filter((item) => typeof item === 'string'))
}

function isObjectOrNone(value: JsonValue | undefined): value is JsonObject | undefined {
  return value === undefined || isJsonObject(value)
}
