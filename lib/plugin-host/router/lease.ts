import type { BackendSecret } from '../../model/backend.ts'
import type { Scheduled } from '../../ports/schedule.ts'

/** A lease as it is kept. Moments are milliseconds since 1970. */
export interface LeaseRecord {
  /** `<path>/<24 letters>`. */
  readonly id: string
  /** What was read. */
  readonly path: string
  /** The same, below its mount. */
  readonly below: string
  /** Of the mount that made it, which may move. */
  readonly mountUuid: string
  /** Hash of the token that it dies with; empty for batch tokens, which cannot take it along. */
  readonly owner: string
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly renewedAtMs: number | null
  /** Its revocation has failed for good: only an operator can drop it. */
  readonly isIrrevocable: boolean
  /** What the plugin said, given back to it. */
  readonly secret: BackendSecret
  /** JSON text of what the caller got; `null` after most renewals. */
  readonly data: string
}

/** A lease in mind. What only the plugin needs stays in the storage: there may be many. */
export class Lease {
  readonly id: string
  readonly path: string
  readonly mountUuid: string
  readonly owner: string
  readonly issuedAtMs: number
  expiresAtMs: number
  renewedAtMs: number | null
  renewable: boolean
  isIrrevocable: boolean
  /** Reading of the monotonic clock. */
  dueMs: number
  /** Its end is under way. */
  isEnding = false
  /** On their way. What they meet is told alive to nobody. */
  revocations = 0
  /** Failed revocations since the host started. */
  attempts = 0
  scheduled: Scheduled | undefined

  constructor(record: LeaseRecord, dueMs: number) {
    this.id = record.id
    this.path = record.path
    this.mountUuid = record.mountUuid
    this.owner = record.owner
    this.issuedAtMs = record.issuedAtMs
    this.expiresAtMs = record.expiresAtMs
    this.renewedAtMs = record.renewedAtMs
    this.renewable = record.secret.renewable
    this.isIrrevocable = record.isIrrevocable
    this.dueMs = dueMs
  }
}
