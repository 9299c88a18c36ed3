import type { Clock } from '../ports/clock.ts'
import type { AloneLeases } from './alone-leases.ts'
import type { Counted } from './budget.ts'
import { codeOf } from './code-of.ts'
import type { GiveBack, Revoke } from './give-back.ts'
import type { Kept } from './kept.ts'
import type { Retirements } from './retirements.ts'
import type { HeldLease } from './revocations.ts'

/** A lease that went to one caller, and the end that a rule sets it. */
export interface RetiringLease extends HeldLease {
  readonly path: string
  /** Reading of the monotonic clock. */
  readonly mustEndAtMs: number
}

/** Puts leases down to be given back when a rule ends them. */
export interface Retiring {
  /** Anew where that end moved. No effect on what no rule ends. */
  retire(kept: Kept): void
  /** @param counted - The lease as it is counted. */
  retireAlone(lease: RetiringLease, counted: Counted): void
}

export interface RetiringDeps {
  readonly alone: AloneLeases
  readonly clock: Pick<Clock, 'now'>
  readonly giveBack: GiveBack
  readonly onLeak: (path: string, code: string) => void
  readonly retirements: Retirements
  readonly revoke: Revoke
}

export function createRetiring({ alone, clock, giveBack, onLeak, retirements, revoke }: RetiringDeps): Retiring {
  return {
    retire(kept): void {
      if (!kept.isLeased || kept.mustEndAtMs === Infinity) return
      retirements.put(kept, kept.mustEndAtMs, async () => {
        if (!kept.isAtServer(clock.now())) return
        // Nobody who read it was told that it lives longer.
        kept.readers = 0
        await giveBack(kept)
      })
    },
    retireAlone({ leaseId, namespace, path, mustEndAtMs }, counted): void {
      if (mustEndAtMs === Infinity) return
      retirements.put(counted, mustEndAtMs, async () => {
        if (counted.leftMs(clock.now()) <= 0) return
        try {
          await revoke({ leaseId, namespace })
          alone.revoked({ kind: 'lease', leaseId }, namespace)
        } catch (error) {
          onLeak(path, codeOf(error))
        }
      })
    },
  }
}
