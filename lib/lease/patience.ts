import type { Schedule } from '../ports/schedule.ts'

/** Waits that have an end, and that all end at once when there is no time left for them. */
export interface Patience {
  /** What `work` gives, or `undefined` when `limitMs` have gone by or {@link end} was called first; the work itself goes on. */
  within<T>(work: Promise<T>, limitMs: number): Promise<T | undefined>
  /** `limitMs`, or less when {@link end} is called. */
  pass(limitMs: number): Promise<void>
  /** Nobody waits any more, nor will. */
  end(): void
}

/** @param now - Reading of the clock of `schedule`. */
export function createPatience(schedule: Schedule, now: () => number): Patience {
  const waiting = new Set<() => void>()
  let hasEnded = false

  const pass = (limitMs: number, work?: Promise<unknown>): Promise<void> => {
    if (hasEnded) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const go = (): void => {
      waiting.delete(go)
      due.cancel()
      resolve()
    }
    const due = schedule.at(now() + Math.max(0, limitMs), go)
    waiting.add(go)
    work?.then(go, go)
    return promise
  }

  return {
    pass: (limitMs) => pass(limitMs),
    async within<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
      let given: T | undefined
      const settled = work.then((value) => {
        given = value
      })
      await pass(limitMs, settled)
      return given
    },
    end(): void {
      hasEnded = true
      for (const go of [...waiting]) go()
    },
  }
}
