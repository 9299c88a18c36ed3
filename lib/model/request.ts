import type { JsonObject } from './json.ts'
import type { Operation } from './operation.ts'

/** Query parameters, decoded; one value a name. */
export type Query = Readonly<Record<string, string>>

/**
 * A request in canonical form: what is judged here is, byte for byte, what is sent.
 *
 * Made by `pipeline/normalise` alone.
 */
export interface GatewayRequest {
  readonly operation: Operation
  /** `''` for the root, else `team-a` or `team-a/sub`: no slash at either end. */
  readonly namespace: string
  /** Decoded, without leading slash; a trailing slash is kept. */
  readonly path: string
  readonly query: Query
  /** The body as the server will read it: parsed back from {@link body}. */
  readonly data: JsonObject | undefined
  /** The serialised `data`, which is what is sent; `undefined` where nothing is. */
  readonly body: string | undefined
  /** Lifetime of the wrapping token asked for; 0 for an unwrapped answer. */
  readonly wrapTtlMs: number
}

/** The query of a request that has none. */
export const NO_QUERY: Query = Object.freeze({})
