import type { JsonObject } from '../../model/json.ts'

/** What answers a request: the envelope's fields, before it is known whether they are wrapped. */
export interface Outcome {
  /** Default 200, or 204 where there is nothing to say. */
  readonly status?: number
  readonly data?: JsonObject | undefined
  readonly warnings?: readonly string[]
  readonly lease?: { readonly id: string; readonly ttlMs: number; readonly renewable: boolean }
  /** The grant of a login, as the wire has it. */
  readonly auth?: JsonObject
  /** Goes back as it is. */
  readonly raw?: { readonly status: number; readonly contentType: string; readonly bytes: Uint8Array }
  /** Goes back without an envelope, as `sys/health` does. */
  readonly bare?: JsonObject
  /** An envelope that was made before: what is unwrapped. */
  readonly envelope?: JsonObject
  /** Wrapping that the plugin asks for; 0 or absent for none. */
  readonly wrapTtlMs?: number
  /** Wrapped already, as by `rewrap`: `wrap_info` as the wire has it. */
  readonly wrapInfo?: JsonObject
}

/** Nothing to say: 204. */
export const DONE: Outcome = Object.freeze({})
