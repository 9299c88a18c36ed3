import type { JsonObject } from '../../../lib/model/json.ts'
import type { Operation } from '../../../lib/model/operation.ts'

/** One request of a script, on a mount that each peer has under the same name. */
export interface PeerRequest {
  readonly operation: Operation
  /** Mount and path, decoded: `v2/data/app`. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: JsonObject | undefined
}

/** What can be compared of an answer. */
export interface PeerAnswer {
  readonly status: number
  readonly body: {
    /** `undefined` where there is none, null included. */
    readonly data?: JsonObject
    readonly warnings?: readonly string[]
    /** `undefined` for a success, or an answer without a body. */
    readonly errors?: readonly string[]
    /** Only what tells of one. */
    readonly lease?: { readonly hasId: boolean; readonly seconds: number; readonly renewable: boolean }
  }
}

/** Something that answers like a server: a server, a host, a plugin. */
export interface Peer {
  send(request: PeerRequest): Promise<PeerAnswer>
}

/** The body of an answer without what is empty. */
export function bodyOf(told: {
  readonly data: JsonObject | null | undefined
  readonly warnings: readonly string[] | null | undefined
  readonly errors: readonly string[] | null | undefined
  readonly lease: { readonly hasId: boolean; readonly seconds: number; readonly renewable: boolean }
}): PeerAnswer['body'] {
  const { data, warnings, errors, lease } = told
  return {
    ...(data === null || data === undefined ? {} : { data }),
    ...(warnings === null || warnings === undefined || warnings.length === 0 ? {} : { warnings }),
    ...(errors === null || errors === undefined || errors.length === 0 ? {} : { errors }),
    ...(lease.hasId || lease.seconds !== 0 || lease.renewable ? { lease } : {}),
  }
}
