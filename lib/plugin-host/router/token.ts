import type { BackendAuth } from '../../model/backend.ts'
import type { Scheduled } from '../../ports/schedule.ts'

/** What a token may do: everything, the mounts, or what gateway policies allow its holder. */
export type TokenKind = 'operator' | 'gateway' | 'caller'

/** A token as it is kept: its hash, never itself. Moments are milliseconds since 1970. */
export interface TokenRecord {
  readonly kind: TokenKind
  readonly type: 'service' | 'batch'
  /** Empty for batch tokens. */
  readonly accessor: string
  readonly displayName: string
  readonly policies: readonly string[]
  readonly metadata: Readonly<Record<string, string>> | null
  /** Where it was made: `auth/jwt/login`. */
  readonly path: string
  /** The same, below the auth mount that made it. */
  readonly below: string
  /** Of the auth mount that made it; empty for others. */
  readonly mountUuid: string
  readonly entityId: string
  /** Name of its holder there. */
  readonly alias: string
  /** Dies with it; empty for orphans. */
  readonly parent: string
  readonly issuedAtMs: number
  readonly creationTtlMs: number
  readonly periodMs: number
  readonly explicitMaxTtlMs: number
  /** Of the plugin that made it; 0: the mount's. */
  readonly maxTtlMs: number
  readonly renewable: boolean
  /** Uses left; 0: no limit. */
  readonly usesLeft: number
  readonly renewedAtMs: number | null
  /** `null`: without end. */
  readonly expiresAtMs: number | null
  /** What the auth plugin said, to be given back to it at a renewal. */
  readonly auth: BackendAuth | null
}

/** A token in use. */
export class Token {
  /** SHA-256 of the token; the name of all that belongs to it. */
  readonly hash: string
  record: TokenRecord
  /** Reading of the monotonic clock. */
  dueMs: number
  isDead = false
  scheduled: Scheduled | undefined
  /** Has a gateway asked who holds it, so that its policies judge the holder? */
  isDescribed = false
  readonly children: Set<Token> = new Set()
  /** What plugins are told in its place, by mount. */
  readonly salted: Map<string, string> = new Map()

  constructor(hash: string, record: TokenRecord, dueMs: number) {
    this.hash = hash
    this.record = record
    this.dueMs = dueMs
  }
}

/** What makes a token; what is left out is nothing. */
export type TokenSpec = Pick<TokenRecord, 'kind' | 'path' | 'policies'> &
  Partial<Omit<TokenRecord, 'kind' | 'path' | 'policies' | 'accessor' | 'issuedAtMs' | 'expiresAtMs'>> & {
    /** 0: without end; such tokens are not renewable. */
    readonly ttlMs: number
  }
