import { Buffer } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import type { Answer } from 'portcullis'
import type { FailureAnswer } from './failure.ts'

/** How an answer goes out. */
export interface AnswerOptions {
  readonly isHead: boolean
  /** Changes the body, such as by leaving something out. */
  readonly edit?: ((body: Uint8Array) => Uint8Array) | undefined
}

const JSON_TYPE = 'application/json'
const NOTHING = new Uint8Array()

/** Writes `answer` in the shape of the server: its own bytes, with the time that is left where they come from a lease. */
export function writeAnswer(response: ServerResponse, answer: Answer, { isHead, edit }: AnswerOptions): void {
  const isHit = answer.source !== 'server'
  const came = answer.body ?? NOTHING
  const body = (edit ?? ((same: Uint8Array) => same))(isHit ? withTimeLeft(came, answer.ttlMs) : came)
  response.setHeader('x-cache', isHit ? 'HIT' : 'MISS')
  if (isHit) response.setHeader('age', String(Math.floor(answer.ageMs / 1_000)))
  send(response, { status: answer.status, body, contentType: answer.raw?.contentType ?? JSON_TYPE, isHead })
}

/** Writes a failure: the server's own body, or `{"errors":[…]}`. */
export function writeFailure(response: ServerResponse, failure: FailureAnswer, isHead: boolean): void {
  const { status, message, retryAfterS } = failure
  if (retryAfterS !== undefined) response.setHeader('retry-after', String(retryAfterS))
  const body = failure.body ?? Buffer.from(`${JSON.stringify({ errors: [message] })}\n`)
  send(response, { status, body, contentType: JSON_TYPE, isHead })
}

interface Sent {
  readonly status: number
  readonly body: Uint8Array
  readonly contentType: string
  readonly isHead: boolean
}

function send(response: ServerResponse, { status, body, contentType, isHead }: Sent): void {
  response.statusCode = status
  response.setHeader('cache-control', 'no-store')
  response.setHeader('content-type', contentType)
  if (body.length === 0) {
    if (status !== 204) response.setHeader('content-length', '0')
    response.end()
    return
  }
  response.setHeader('content-length', String(body.length))
  response.end(isHead ? undefined : body)
}

/** The fields that a server writes first; a duration elsewhere is somebody's secret, and stays. */
const LEASE_HEAD =
  /^(\{"request_id":"[^"\\]*","lease_id":"[^"\\]*","renewable":(?:true|false),"lease_duration":)(\d{1,15})(?=[,}])/

/** A lease told again has less time left than it was told at first. */
function withTimeLeft(body: Uint8Array, ttlMs: number): Uint8Array {
  if (ttlMs === Infinity) return body
  const text = Buffer.from(body).toString('utf8')
  const left = Math.max(Math.floor(ttlMs / 1_000), 0)
  return Buffer.from(
    text.replace(LEASE_HEAD, (_, head: string, told: string) => `${head}${Math.min(left, Number(told))}`),
  )
}
