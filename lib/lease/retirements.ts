import { Works } from '../model/works.ts'
import type { Schedule, Scheduled } from '../ports/schedule.ts'

/** Leases that are given back at the end that a rule sets, whoever was given them: everybody was told that end. */
export interface Retirements {
  /**
   * Has `lease` given back at `atMs`, in place of what was set for it before.
   *
   * @param atMs - Reading of the monotonic clock.
   * @param giveBack - Does nothing where there is nothing to give back any more. Never rejects.
   */
  put(lease: object, atMs: number, giveBack: () => Promise<unknown>): void
  /** It has been given back. */
  forget(lease: object): void
  /** Gives back what is left: later there is nobody to do it. Resolves when all has been. */
  close(): Promise<void>
}

interface Retirement {
  readonly scheduled: Scheduled
  readonly giveBack: () => Promise<unknown>
}

export function createRetirements(schedule: Schedule): Retirements {
  const retirements = new Map<object, Retirement>()
  const works = new Works()
  const forget = (lease: object): void => {
    retirements.get(lease)?.scheduled.cancel()
    retirements.delete(lease)
  }
  const retire = (lease: object): void => {
    const giveBack = retirements.get(lease)?.giveBack
    forget(lease)
    if (giveBack !== undefined) void works.track(giveBack())
  }
  return {
    forget,
    put(lease, atMs, giveBack): void {
      forget(lease)
      // Later than whoever is told of the end at that moment.
      const scheduled = schedule.at(atMs + 1, () => retire(lease))
      retirements.set(lease, { scheduled, giveBack })
    },
    async close(): Promise<void> {
      for (const lease of [...retirements.keys()]) retire(lease)
      await works.settled()
    },
  }
}
