import type { Clock, Timer } from '../../lib/ports/clock.ts'
import { systemClock } from '../../lib/system/clock.ts'

/** The system's clock, which can be put forward: what falls due by that runs at once, all else goes on as before. */
export class ShiftedClock implements Clock {
  #shiftMs = 0
  readonly #timers = new Set<{ readonly dueMs: number; readonly real: Timer; readonly fire: () => void }>()

  now(): number {
    return systemClock.now() + this.#shiftMs
  }

  wallTime(): number {
    return systemClock.wallTime() + this.#shiftMs
  }

  after(delayMs: number, run: () => void): Timer {
    const fire = (): void => {
      if (this.#timers.delete(timer)) run()
    }
    const timer = { dueMs: this.now() + delayMs, real: systemClock.after(delayMs, fire), fire }
    this.#timers.add(timer)
    return {
      cancel: () => {
        this.#timers.delete(timer)
        timer.real.cancel()
      },
    }
  }

  shift(ms: number): void {
    this.#shiftMs += ms
    for (const { dueMs, real, fire } of [...this.#timers]) {
      if (dueMs > this.now()) continue
      real.cancel()
      fire()
    }
  }
}
