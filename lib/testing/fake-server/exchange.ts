import type { JsonObject, JsonValue } from '../../model/json.ts'

/** One request, as it arrives; nothing decided yet. */
export interface FakeRequest {
  /** `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, `LIST`, `SCAN`. */
  readonly method: string
  /** Decoded, without `/v1/`. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** What goes back. */
export interface FakeReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** A reply of the server's own words, thrown by whatever finds that it cannot go on. */
export class Refusal {
  readonly status: number
  readonly errors: readonly string[]

  constructor(status: number, ...errors: readonly string[]) {
    this.status = status
    this.errors = errors
  }
}

/** The answer to what is not there: 404 without words. */
export function absent(): Refusal {
  return new Refusal(404)
}

/** A reply whose body is `value` and nothing around it. */
export function jsonReply(status: number, value: JsonValue, headers: Readonly<Record<string, string>> = {}): FakeReply {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  return { status, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** A reply of `{ errors }`. */
export function errorReply(
  status: number,
  errors: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): FakeReply {
  return jsonReply(status, { errors }, headers)
}

/** 204, or another status, without body. */
export function emptyReply(status = 204): FakeReply {
  return { status, headers: { 'content-type': 'application/json' }, body: new Uint8Array() }
}

/** The fields that go around `data`; what is left out is as if the server had nothing to say. */
export interface Envelope {
  readonly requestId: string
  readonly leaseId?: string
  readonly renewable?: boolean
  readonly leaseDurationMs?: number
  readonly data?: JsonObject | undefined
  readonly wrapInfo?: JsonObject
  readonly warnings?: readonly string[]
  readonly auth?: JsonObject
}

/** The JSON that an {@link Envelope} is on the wire. */
export function envelopeJson(envelope: Envelope): JsonObject {
  return {
    request_id: envelope.requestId,
    lease_id: envelope.leaseId ?? '',
    renewable: envelope.renewable ?? false,
    lease_duration: secondsOf(envelope.leaseDurationMs ?? 0),
    data: envelope.data ?? null,
    wrap_info: envelope.wrapInfo ?? null,
    warnings: envelope.warnings === undefined || envelope.warnings.length === 0 ? null : envelope.warnings,
    auth: envelope.auth ?? null,
  }
}

/** Whole seconds, as the wire has them. A part of a second is not told. */
export function secondsOf(ms: number): number {
  return Number.isFinite(ms) ? Math.floor(ms / 1000) : 0
}
