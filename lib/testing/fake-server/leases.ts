import type { Clock } from '../../ports/clock.ts'
import { Refusal } from './exchange.ts'
import { cappedWarnings, type FakeToken, type Renewed, randomName, type TokenStore } from './tokens.ts'

/** A lease, from the server's side. */
export interface FakeLease {
  readonly id: string
  /** What was read. */
  readonly path: string
  readonly namespace: string
  /** Dies with it, silently: its TTL does not show it. */
  readonly owner: FakeToken
  readonly renewable: boolean
  readonly issuedAtMs: number
  readonly issuedWallMs: number
  readonly defaultTtlMs: number
  readonly lastEndMs: number
  endsAtMs: number
  renewedWallMs: number | undefined
  revoked: boolean
}

/** What makes a lease. */
export interface LeaseSpec {
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly renewable: boolean
}

/** All leases of a server. */
export class LeaseStore {
  readonly #clock: Clock
  readonly #tokens: TokenStore
  readonly #byId = new Map<string, FakeLease>()

  constructor(clock: Clock, tokens: TokenStore) {
    this.#clock = clock
    this.#tokens = tokens
  }

  create(namespace: string, path: string, owner: FakeToken, spec: LeaseSpec): FakeLease {
    const nowMs = this.#clock.now()
    // A batch token has no store entry that could take leases along, so its end is their last.
    const ownerEndMs = owner.type === 'batch' ? owner.endsAtMs : Infinity
    const lastEndMs = Math.min(nowMs + spec.maxTtlMs, ownerEndMs)
    const lease: FakeLease = {
      id: `${path}/${randomName(24)}`,
      path,
      namespace,
      owner,
      renewable: spec.renewable,
      issuedAtMs: nowMs,
      issuedWallMs: this.#clock.wallTime(),
      defaultTtlMs: spec.ttlMs,
      lastEndMs,
      endsAtMs: Math.min(nowMs + spec.ttlMs, lastEndMs),
      renewedWallMs: undefined,
      revoked: false,
    }
    this.#byId.set(`${namespace}|${lease.id}`, lease)
    return lease
  }

  /** The live lease of that id. */
  find(namespace: string, id: string): FakeLease | undefined {
    const lease = this.#byId.get(`${namespace}|${id}`)
    return lease !== undefined && this.#isAlive(lease) ? lease : undefined
  }

  ttlMs(lease: FakeLease): number {
    return lease.endsAtMs - this.#clock.now()
  }

  /** @throws {Refusal} 400 for a lease that is dead or not renewable. */
  renew(namespace: string, id: string, incrementMs: number): Renewed & { readonly lease: FakeLease } {
    const lease = this.find(namespace, id)
    if (lease === undefined) throw new Refusal(400, 'lease not found')
    if (!lease.renewable) throw new Refusal(400, 'lease is not renewable')
    const nowMs = this.#clock.now()
    const wantedMs = incrementMs || lease.defaultTtlMs
    const ttlMs = Math.min(wantedMs, lease.lastEndMs - nowMs)
    lease.endsAtMs = nowMs + ttlMs
    lease.renewedWallMs = this.#clock.wallTime()
    return { lease, ttlMs, warnings: cappedWarnings(wantedMs, ttlMs) }
  }

  /** Ends it; nothing happens for one that is not there. */
  revoke(namespace: string, id: string): void {
    const lease = this.find(namespace, id)
    if (lease !== undefined) lease.revoked = true
  }

  /** Ends all whose id begins with `prefix`, at a slash. */
  revokePrefix(namespace: string, prefix: string): void {
    const start = prefix.endsWith('/') ? prefix : `${prefix}/`
    for (const lease of this.live()) {
      if (lease.namespace === namespace && (lease.id === prefix || lease.id.startsWith(start))) lease.revoked = true
    }
  }

  live(): readonly FakeLease[] {
    return [...this.#byId.values()].filter((lease) => this.#isAlive(lease))
  }

  #isAlive(lease: FakeLease): boolean {
    if (lease.revoked || this.#clock.now() >= lease.endsAtMs) return false
    return lease.owner.type === 'batch' || this.#tokens.isAlive(lease.owner)
  }
}
