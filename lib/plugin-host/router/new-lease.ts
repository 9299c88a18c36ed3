import type { BackendSecret } from '../../model/backend.ts'
import type { LeaseRecord } from './lease.ts'
import type { Token } from './token.ts'

/** What becomes a lease. */
export interface NewLease {
  readonly path: string
  /** The same, below its mount. */
  readonly below: string
  readonly mountUuid: string
  readonly owner: Token
  readonly secret: BackendSecret
  readonly data: string
}

/** The record of a secret that no token has, ended at once: for its way back to its plugin. */
export function unstored(made: Omit<NewLease, 'owner'>, nowMs: number): LeaseRecord {
  const { path, below, mountUuid, secret, data } = made
  const moments = { issuedAtMs: nowMs, expiresAtMs: nowMs, renewedAtMs: null }
  return { id: `${path}/`, path, below, mountUuid, owner: '', ...moments, isIrrevocable: false, secret, data }
}
