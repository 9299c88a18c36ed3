import { randomBytes } from 'node:crypto'
import type { Clock } from '../../ports/clock.ts'
import { SYSTEM_TTL_MS } from './duration.ts'
import { secondsOf } from './exchange.ts'

/** A token, from the server's side. */
export interface FakeToken {
  readonly id: string
  /** Empty for batch tokens. */
  readonly accessor: string
  readonly type: 'service' | 'batch'
  readonly namespace: string
  readonly policies: readonly string[]
  readonly displayName: string
  /** Empty for tokens that no login made. */
  readonly entityId: string
  /** Where it was made: `auth/approle/login`. */
  readonly path: string
  readonly meta: Readonly<Record<string, string>> | undefined
  readonly issuedAtMs: number
  readonly issuedWallMs: number
  readonly creationTtlMs: number
  /** 0: not periodic. */
  readonly periodMs: number
  /** 0: none. */
  readonly explicitMaxTtlMs: number
  /** No renewal goes past it. `Infinity` for root and periodic tokens. */
  readonly lastEndMs: number
  readonly renewable: boolean
  /** Dies with it. `undefined` for orphans. */
  readonly parent: FakeToken | undefined
  endsAtMs: number
  renewedWallMs: number | undefined
  /** 0: no limit. -1: this request is the last. */
  usesLeft: number
  revoked: boolean
}

/** What makes a token. Durations of 0 stand for none. */
export interface TokenSpec {
  readonly path: string
  readonly policies: readonly string[]
  readonly namespace?: string
  readonly id?: string | undefined
  readonly type?: 'service' | 'batch'
  readonly displayName?: string
  readonly entityId?: string
  readonly meta?: Readonly<Record<string, string>> | undefined
  readonly ttlMs?: number
  readonly maxTtlMs?: number
  readonly explicitMaxTtlMs?: number
  readonly periodMs?: number
  readonly numUses?: number
  readonly renewable?: boolean
  readonly parent?: FakeToken | undefined
}

/** The outcome of a renewal. */
export interface Renewed {
  readonly ttlMs: number
  readonly warnings: readonly string[]
}

/** All tokens of a server. An end is found out by looking, never by a timer. */
export class TokenStore {
  readonly #clock: Clock
  readonly #byId = new Map<string, FakeToken>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  create(spec: TokenSpec): FakeToken {
    const nowMs = this.#clock.now()
    const isBatch = spec.type === 'batch'
    const isRoot = spec.policies.includes('root') && (spec.ttlMs ?? 0) === 0
    const periodMs = spec.periodMs ?? 0
    const lastEndMs = isRoot ? Infinity : nowMs + longestMs(spec)
    const ttlMs = isRoot ? Infinity : Math.min(periodMs || spec.ttlMs || SYSTEM_TTL_MS, lastEndMs - nowMs)
    const token: FakeToken = {
      id: spec.id ?? `${isBatch ? 'b' : 's'}.${randomName(isBatch ? 96 : 24)}`,
      accessor: isBatch ? '' : randomName(24),
      type: spec.type ?? 'service',
      namespace: spec.namespace ?? '',
      policies: spec.policies,
      displayName: spec.displayName ?? 'token',
      entityId: spec.entityId ?? '',
      path: spec.path,
      meta: spec.meta,
      issuedAtMs: nowMs,
      issuedWallMs: this.#clock.wallTime(),
      creationTtlMs: isRoot ? 0 : ttlMs,
      periodMs,
      explicitMaxTtlMs: spec.explicitMaxTtlMs ?? 0,
      lastEndMs,
      renewable: !isBatch && !isRoot && (spec.renewable ?? true),
      parent: spec.parent,
      endsAtMs: nowMs + ttlMs,
      renewedWallMs: undefined,
      usesLeft: spec.numUses ?? 0,
      revoked: false,
    }
    this.#byId.set(token.id, token)
    return token
  }

  /** The live token of that id. */
  find(id: string): FakeToken | undefined {
    const token = this.#byId.get(id)
    return token !== undefined && this.isAlive(token) ? token : undefined
  }

  byAccessor(accessor: string): FakeToken | undefined {
    return accessor === '' ? undefined : this.live().find((token) => token.accessor === accessor)
  }

  /** Neither revoked nor at its end, and its parent lives. */
  isAlive(token: FakeToken): boolean {
    if (token.revoked || this.#clock.now() >= token.endsAtMs) return false
    return token.parent === undefined || this.isAlive(token.parent)
  }

  /** Time left; `Infinity` for a token without end. */
  ttlMs(token: FakeToken): number {
    return token.endsAtMs - this.#clock.now()
  }

  /** Renews `token`, counted from now. A periodic token gets its period, whatever was asked. */
  renew(token: FakeToken, incrementMs: number): Renewed {
    const nowMs = this.#clock.now()
    const wantedMs = token.periodMs || incrementMs || token.creationTtlMs
    const ttlMs = Math.min(wantedMs, token.lastEndMs - nowMs)
    token.endsAtMs = nowMs + ttlMs
    token.renewedWallMs = this.#clock.wallTime()
    return { ttlMs, warnings: cappedWarnings(wantedMs, ttlMs) }
  }

  /** Ends it, and with it its children and all their leases. */
  revoke(token: FakeToken): void {
    token.revoked = true
  }

  live(): readonly FakeToken[] {
    return [...this.#byId.values()].filter((token) => this.isAlive(token))
  }
}

/** What a server says of a renewal that gave less than was asked for. */
export function cappedWarnings(wantedMs: number, ttlMs: number): readonly string[] {
  if (ttlMs >= wantedMs) return []
  return [`TTL of "${secondsOf(wantedMs)}s" exceeded the effective max_ttl, and is capped to "${secondsOf(ttlMs)}s"`]
}

function longestMs({ maxTtlMs = 0, explicitMaxTtlMs = 0, periodMs = 0 }: TokenSpec): number {
  const maxMs = periodMs > 0 ? Infinity : Math.min(maxTtlMs || SYSTEM_TTL_MS, SYSTEM_TTL_MS)
  return Math.min(maxMs, explicitMaxTtlMs || Infinity)
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Letters and digits from the operating system's generator. */
export function randomName(length: number): string {
  return Array.from(randomBytes(length), (byte) => LETTERS[byte % LETTERS.length]).join('')
}
