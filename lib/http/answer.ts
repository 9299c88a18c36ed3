import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { seal } from '../model/sealed.ts'
import type { ServerAnswer, TokenGrant, WrapInfo } from '../model/server-answer.ts'
import type { Received } from './exchange.ts'
import { parseObject } from './json.ts'

/** What an answer's body is. */
export type Body =
  | { readonly kind: 'empty' }
  | { readonly kind: 'json'; readonly object: JsonObject }
  | { readonly kind: 'raw'; readonly contentType: string }
  | { readonly kind: 'bad'; readonly what: string }

/** Looks at a body, by the content type it claims. */
export function bodyOf(received: Received): Body {
  if (received.body.length === 0) return { kind: 'empty' }
  const header = received.headers['content-type']
  const contentType = (typeof header === 'string' ? header : '').toLowerCase()
  const mediaType = contentType.split(';', 1)[0]?.trim() ?? ''
  if (mediaType === 'application/json' || mediaType === '') {
    const object = parseObject(received.body)
    return object === undefined ? { kind: 'bad', what: 'the body is no JSON object' } : { kind: 'json', object }
  }
  if (mediaType === 'text/html')
    return { kind: 'bad', what: 'the body is a web page; is something else listening there?' }
  return { kind: 'raw', contentType }
}

/** Fields of the envelope around `data`. A few answers of `sys/` (health, seal-status, leader) come without one. */
const ENVELOPE: readonly string[] = ['data', 'request_id', 'lease_id', 'auth', 'wrap_info', 'errors', 'warnings']

/**
 * The server's words in our units, odd shapes intact.
 *
 * @returns `undefined` where `data`, `auth` or `wrap_info` are not what a server sends there.
 */
export function answerOf(received: Received, body: Body): ServerAnswer | undefined {
  if (body.kind === 'json') return fromJson(received.status, body.object)
  const bytes = body.kind === 'raw' ? Uint8Array.from(received.body) : undefined
  const raw =
    body.kind === 'raw' && bytes !== undefined ? Object.freeze({ contentType: body.contentType, bytes }) : undefined
  return { ...EMPTY, status: received.status, raw }
}

const EMPTY: ServerAnswer = Object.freeze({
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
