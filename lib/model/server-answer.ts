import type { JsonObject } from './json.ts'
import type { Sealed } from './sealed.ts'

/** A token that the server made: by a login, or by `auth/token/create`. */
export interface TokenGrant {
  readonly token: Sealed<string>
  readonly accessor: Sealed<string>
  /** `Infinity` for a token without end. */
  readonly ttlMs: number
  readonly renewable: boolean
  readonly policies: readonly string[]
  readonly tokenType: string
  readonly orphan: boolean
  readonly numUses: number
  /** Asked for a second factor instead of giving a token. */
  readonly mfaRequired: boolean
}

/** A response that the server keeps in a cubbyhole, and the token that opens it. */
export interface WrapInfo {
  readonly token: Sealed<string>
  readonly accessor: Sealed<string>
  readonly ttlMs: number
  /** Where the wrapped response was made; check it before trusting what is inside. */
  readonly creationPath: string
  readonly creationTime: string
}

/** An answer that is no JSON, such as `pki/ca/pem`. */
export interface RawBody {
  readonly contentType: string
  readonly bytes: Uint8Array
}

/**
 * What the server answered, in our units, with the odd shapes intact: a transit batch can be 400
 * with `data`, a deleted KV v2 version 404 with `data`.
 */
export interface ServerAnswer {
  readonly status: number
  /** Empty where the server gave none (204, 403, 404, wrapped). */
  readonly requestId: string
  /** Empty for what has no lease. */
  readonly leaseId: string
  /** 0 where nothing was told. */
  readonly leaseDurationMs: number
  readonly renewable: boolean
  /** Frozen at every depth. */
  readonly data: JsonObject | undefined
  readonly warnings: readonly string[]
  readonly wrapInfo: WrapInfo | undefined
  readonly auth: TokenGrant | undefined
  readonly raw: RawBody | undefined
  /** Type of the mount that answered (`kv`, `database`), where the server says; else empty. */
  readonly mountType: string
  /** The body as it came, where the driver was told to keep it. */
  readonly body?: Sealed<Uint8Array>
}
