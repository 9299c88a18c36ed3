import { Buffer } from 'node:buffer'
import type { BackendError, BackendOperation, BackendReply, BackendResponse } from '../../model/backend.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'
import type { Outcome } from './outcome.ts'
import { type Refusal, refuse, wrapped } from './refusal.ts'

/** Status for each kind of error; `0`: by whether a response came with it. */
const STATUS: Readonly<Record<BackendError['kind'], number>> = {
  other: 0,
  user: 0,
  internal: 0,
  coded: 0,
  'bad-request': 400,
  'unsupported-operation': 405,
  'unsupported-path': 404,
  'invalid-request': 400,
  'permission-denied': 403,
  'needs-approval': 0,
  unrecoverable: 0,
}

/** Errors of no kind whose whole text says what they are. */
const BY_TEXT: ReadonlyMap<string, number> = new Map(
  Object.entries({
    'permission denied': 403,
    'unsupported operation': 405,
    'unsupported path': 404,
    'invalid request': 400,
    'invalid credentials': 400,
    'relative paths not supported': 400,
    'upstream rate limited': 502,
    'rate limit quota exceeded': 429,
    'lease count quota exceeded': 429,
  }),
)

/** What a plugin answered, its data parsed; lease and login still to be made. */
export interface Shaped {
  readonly data: JsonObject | undefined
  readonly response: BackendResponse | undefined
}

/**
 * Reads a plugin's reply as the server does. Untrusted: data that is no JSON object is a fault of the plugin.
 *
 * @param isLogin - Errors on the way of a login are told bare.
 * @throws {Refusal} with the status and words that the server would answer.
 */
export function shaped(reply: BackendReply, operation: BackendOperation, isLogin: boolean): Shaped | Outcome {
  const { response, error } = reply
  const data = response === undefined ? undefined : dataOf(response.data)
  if (response !== undefined && data === 'bad')
    throw refuse(500, told('the plugin answered data that is no JSON object', isLogin))
  const object = data === 'bad' || data === 'none' ? undefined : data
  const text = errorText(object)
  if (error !== undefined) throw failure(error, response !== undefined, text, isLogin)
  if (text !== undefined) return errorOutcome(text, object ?? {})
  if (object !== undefined && object.http_status_code !== undefined) return rawOutcome(object)
  if (isNothing(object, response, operation)) throw refuse(404)
  return { data: object, response }
}

export function isOutcome(shape: Shaped | Outcome): shape is Outcome {
  return !('response' in shape)
}

function told(text: string, isLogin: boolean): string {
  return isLogin ? text : wrapped(text)
}

function dataOf(text: string): JsonObject | 'none' | 'bad' {
  if (text === 'null') return 'none'
  return parseObjectText(text) ?? 'bad'
}

/** The text of an error response: `error` alone, or beside `data`. */
function errorText(data: JsonObject | undefined): string | undefined {
  if (data === undefined || typeof data.error !== 'string') return undefined
  const size = Object.keys(data).length
  return size === 1 || (size === 2 && data.data !== undefined) ? data.error : undefined
}

function failure(error: BackendError, hasResponse: boolean, text: string | undefined, isLogin: boolean): Refusal {
  const fallback = hasResponse ? 400 : 500
  // The words of an error response win over the error, whose own code is lost then.
  if (text !== undefined) return refuse(STATUS[error.kind] || fallback, text)
  const coded = error.kind === 'coded' && error.status >= 400 && error.status <= 599 ? error.status : 0
  const status = coded || STATUS[error.kind] || BY_TEXT.get(error.message) || fallback
  return refuse(status, told(error.message, isLogin))
}

/** 400; with data it is an answer, as of a transit batch, without it a refusal. */
function errorOutcome(text: string, { data }: JsonObject): Outcome {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw refuse(400, text)
  return { status: 400, data: data as JsonObject }
}

/** An answer that the plugin has put together itself. */
export function rawOutcome(data: JsonObject): Outcome {
  const status = numberOf(data.http_status_code)
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw refuse(500, 'the plugin answered a status that is none')
  const contentType = contentTypeOf(data.http_content_type)
  const body = data.http_raw_body
  const bytes =
    typeof body === 'string' ? rawBytes(body, data.http_raw_body_already_json_decoded === true) : new Uint8Array()
  return { raw: { status, contentType, bytes } }
}

/** What a header can carry, and no more: whoever answers over HTTP would fail, or send a header that the plugin wrote. */
const CONTENT_TYPE = /^[\x20-\x7e]{0,256}$/

function contentTypeOf(value: JsonValue | undefined): string {
  if (typeof value !== 'string') return ''
  return CONTENT_TYPE.test(value) ? value : 'application/octet-stream'
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : Number(value)
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Base64 where it is that, else the text as it stands. */
function rawBytes(text: string, isText: boolean): Uint8Array {
  return !isText && BASE64.test(text) ? Buffer.from(text, 'base64') : Buffer.from(text)
}

/** Nothing was read; a write without an answer is well, and is told otherwise. */
function isNothing(
  data: JsonObject | undefined,
  response: BackendResponse | undefined,
  operation: BackendOperation,
): boolean {
  if (operation === 'read') return response === undefined
  if (operation !== 'list' && operation !== 'scan') return false
  if (response === undefined) return true
  const fields = data === undefined ? 0 : Object.keys(data).length
  const { keys } = data ?? {}
  if (keys === undefined || keys === null) return fields === 0 && response.warnings.length === 0
  return Array.isArray(keys) && keys.length === 0
}
