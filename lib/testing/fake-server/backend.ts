import type { JsonObject } from '../../model/json.ts'
import type { FakeReply, FakeRequest } from './exchange.ts'
import type { LeaseSpec } from './leases.ts'
import type { State } from './state.ts'
import type { FakeToken, TokenSpec } from './tokens.ts'

/** What is asked; as the servers, one word for POST and PUT. */
export type FakeOperation = 'read' | 'list' | 'scan' | 'write' | 'patch' | 'delete'

/** A request on its way through the server. */
export interface Call {
  readonly request: FakeRequest
  readonly operation: FakeOperation
  readonly namespace: string
  /** In its namespace. */
  readonly path: string
  /** What follows the mount. */
  readonly rest: string
  /** The body; for reads, the query. */
  readonly data: JsonObject
  /** None on unauthenticated paths. */
  readonly token: FakeToken | undefined
}

/** What a backend answers. */
export interface Outcome {
  /** Default 200, or 204 where there is nothing to say. */
  readonly status?: number
  readonly data?: JsonObject
  readonly warnings?: readonly string[]
  /** Makes a new lease. */
  readonly lease?: LeaseSpec
  /** An existing lease: answers of renewals. */
  readonly renewed?: { readonly leaseId: string; readonly ttlMs: number; readonly renewable: boolean }
  /** Told, but there is no lease: KV v1. */
  readonly leaseDurationMs?: number
  /** Makes a new token. */
  readonly login?: TokenSpec
  /** An existing token: answers of renewals. */
  readonly token?: FakeToken
  /** What was wrapped, as it was. */
  readonly unwrapped?: JsonObject
  /** Goes back as it is, without an envelope. */
  readonly reply?: FakeReply
}

/** The code that answers for a mount. */
export interface Backend {
  /** May it be called without a token? Default: no. */
  isOpen?(rest: string): boolean
  /** Decides create from update. Default: everything exists. */
  exists?(call: Call): boolean
  /** @throws {Refusal} */
  handle(call: Call, state: State): Outcome
}

/** A backend at its place. */
export interface FakeMount {
  /** With a slash at its end; auth methods begin with `auth/`. */
  readonly path: string
  readonly type: string
  readonly accessor: string
  readonly options: Readonly<Record<string, string>>
  readonly backend: Backend
}
