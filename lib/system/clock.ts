import { performance } from 'node:perf_hooks'
import type { Clock, Timer } from '../ports/clock.ts'

/** Longest wait of one timer of Node; anything longer fires at once. */
const MAX_WAIT_MS = 2 ** 31 - 1

/** The machine's clocks. The monotonic one is moved by a second, since no clock may start at 0. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now() + 1000,
  wallTime: () => Date.now(),
  after(delayMs: number, run: () => void): Timer {
    // A timer of Node would take it for 1 ms, and what sets itself anew would spin.
    if (Number.isNaN(delayMs)) throw new RangeError('delayMs must be a number of milliseconds, got NaN')
    const dueAtMs = systemClock.now() + delayMs
    let timer: NodeJS.Timeout | undefined
    const wait = (leftMs: number): void => {
      timer = setTimeout(
        () => {
          const remainingMs = dueAtMs - systemClock.now()
          if (remainingMs > 0) wait(remainingMs)
          else run()
        },
        Math.min(Math.ceil(Math.max(leftMs, 0)), MAX_WAIT_MS),
      )
      timer.unref()
    }
    if (delayMs !== Infinity) wait(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
})
