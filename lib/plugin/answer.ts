import { Buffer } from 'node:buffer'
import type { JsonObject, JsonValue } from '../model/json.ts'

/** What a handler answers; `undefined` is "nothing": 404 for a read or list, 204 for a write. */
export interface PluginAnswer {
  readonly data?: JsonObject
  /** Makes a lease of it. Secrets engines alone. */
  readonly secret?: SecretAnswer
  /** A login that succeeded. Auth methods alone, on unauthenticated paths. */
  readonly auth?: LoginAnswer
  /** Shown to the caller. */
  readonly warnings?: readonly string[]
  /** Wraps the answer in a one-use token. */
  readonly wrapTtlMs?: number
  /** Where a browser is sent; OIDC flows. */
  readonly redirect?: string
  /** Those that the mount lets through. */
  readonly headers?: Readonly<Record<string, readonly string[]>>
}

/** The secret behind a lease. */
export interface SecretAnswer {
  /** One of the plugin's `secrets`: who renews and revokes it. */
  readonly type: string
  /** Kept by the host with the lease, and given back to `renew` and `revoke`: put in what revoking takes. Callers never see it. */
  readonly internal?: JsonObject
  /** 0 or absent: the mount's default. */
  readonly ttlMs?: number
  /** 0 or absent: the mount's. */
  readonly maxTtlMs?: number
  /** Default: whether the secret has a `renew`. */
  readonly renewable?: boolean
}

/** What a login yields; the server makes the token. */
export interface LoginAnswer {
  /** The user as this auth method knows it; never empty. */
  readonly alias: { readonly name: string; readonly metadata?: Readonly<Record<string, string>> }
  readonly groupAliases?: readonly { readonly name: string }[]
  readonly policies?: readonly string[]
  readonly displayName?: string
  /** Shown in audit entries and token look-ups. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Kept by the host with the token, and given back to `renew`. */
  readonly internal?: JsonObject
  readonly ttlMs?: number
  readonly maxTtlMs?: number
  readonly explicitMaxTtlMs?: number
  /** Makes the token periodic. */
  readonly periodMs?: number
  /** 0 or absent: no limit. */
  readonly numUses?: number
  readonly boundCidrs?: readonly string[]
  readonly tokenType?: 'default' | 'service' | 'batch' | 'default-service' | 'default-batch'
  readonly noDefaultPolicy?: boolean
  /** Default: whether the plugin has an `auth.renew`. */
  readonly renewable?: boolean
}

/** What a handler may return. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing answers "nothing".
export type HandlerResult = PluginAnswer | undefined | void

/** An answer of data alone. */
export function data(values: JsonObject): PluginAnswer {
  return { data: values }
}

/** An error in the answer: status 400 with `text`, and `values` where the caller needs more than the text. */
export function errorResponse(text: string, values?: JsonObject): PluginAnswer {
  return { data: values === undefined ? { error: text } : { error: text, data: values } }
}

/** The answer of a list; an empty one is "nothing", as callers expect it. `info` is by name. */
export function listOf(keys: readonly string[], info?: Readonly<Record<string, JsonObject>>): PluginAnswer | undefined {
  if (keys.length === 0) return undefined
  return { data: info === undefined ? { keys } : { keys, key_info: info } }
}

/** "Nothing": 404 for a read or list. */
export function notFound(): undefined {
  return undefined
}

/** Parts of an answer that is not the server's envelope. */
export interface RawAnswer {
  /** HTTP status, from 200. */
  readonly status: number
  /** Default: `application/json`. */
  readonly contentType?: string
  /** Bytes, or text that is sent as it is. */
  readonly body?: Uint8Array | string
  readonly cacheControl?: string
}

/** An answer past the server's envelope: a certificate file, a JSON Web Key Set. It can carry no lease and no login. */
export function raw({ status, contentType = 'application/json', body, cacheControl }: RawAnswer): PluginAnswer {
  if (!(Number.isInteger(status) && status >= 200 && status <= 599))
    throw new RangeError(`the status of an answer must be an integer from 200 to 599, got ${status}`)
  const fields: Record<string, JsonValue> = { http_status_code: status, http_content_type: contentType }
  // Bytes travel as base64, which the server tries first: text that happens to be base64 has to be sent so too.
  if (body !== undefined) fields.http_raw_body = Buffer.from(body).toString('base64')
  if (cacheControl !== undefined) fields.http_raw_cache_control = cacheControl
  return { data: fields }
}

/**
 * `answer` in the server's envelope, under another status: KV answers 404 with the metadata of a deleted version so.
 *
 * @param request - Whose id the envelope carries.
 */
export function withStatus(status: number, answer: PluginAnswer, request: { readonly id: string }): PluginAnswer {
  const envelope = {
    request_id: request.id,
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: answer.data ?? null,
    wrap_info: null,
    warnings: answer.warnings === undefined || answer.warnings.length === 0 ? null : answer.warnings,
    auth: null,
  }
  return {
    data: { http_status_code: status, http_content_type: 'application/json', http_raw_body: JSON.stringify(envelope) },
  }
}
