import type { Counted } from './budget.ts'
import type { Fate } from './kept.ts'
import { endsLease, type HeldLease, type Revocation } from './revocations.ts'

/** Leases that went to one caller, by a write for one, and are not ours to keep: known only to be counted. */
export interface AloneLeases {
  /** @param endsAtMs - Reading of the monotonic clock, as the server told it when it was minted. */
  note(lease: HeldLease, endsAtMs: number, fate: Fate | undefined, nowMs: number): Counted
  /** Those that are named here, by a revocation sent in `namespace`, have ended. */
  revoked(revocation: Revocation, namespace: string): void
}

export function createAloneLeases(): AloneLeases {
  let leases = new Set<AloneLease>()
  let pruneAt = 64
  const prune = (nowMs: number): void => {
    leases = new Set([...leases].filter((lease) => lease.leftMs(nowMs) > 0))
    pruneAt = Math.max(64, leases.size * 2)
  }
  return {
    note(held, endsAtMs, fate, nowMs): Counted {
      const lease = new AloneLease(held, endsAtMs, fate)
      leases.add(lease)
      if (leases.size >= pruneAt) prune(nowMs)
      return lease
    },
    revoked(revocation, namespace): void {
      for (const lease of leases) if (lease.endIf(revocation, namespace)) leases.delete(lease)
    },
  }
}

class AloneLease implements Counted {
  readonly #lease: HeldLease
  readonly #endsAtMs: number
  readonly #fate: Fate | undefined
  #hasEnded = false

  constructor(lease: HeldLease, endsAtMs: number, fate: Fate | undefined) {
    this.#lease = lease
    this.#endsAtMs = endsAtMs
    this.#fate = fate
  }

  leftMs(nowMs: number): number {
    const isOver = this.#hasEnded || this.#fate?.isDead === true
    return isOver ? 0 : Math.min(this.#endsAtMs, this.#fate?.endsAtMs ?? Infinity) - nowMs
  }

  endIf(revocation: Revocation, namespace: string): boolean {
    this.#hasEnded ||= endsLease(revocation, namespace, this.#lease)
    return this.#hasEnded
  }
}
