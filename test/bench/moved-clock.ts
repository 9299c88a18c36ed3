import type { Clock, Timer } from '../../lib/ports/clock.ts'

/** A clock that is moved by hand, in steps of any length, and runs what is due after each. Waits for nothing. */
export class MovedClock implements Clock {
  #nowMs = 1_000_000
  readonly #timers = new Map<object, { readonly dueMs: number; readonly run: () => void }>()

  now(): number {
    return this.#nowMs
  }

  wallTime(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = {}
    this.#timers.set(timer, { dueMs: this.#nowMs + delayMs, run })
    return { cancel: () => void this.#timers.delete(timer) }
  }

  move(ms: number): void {
    this.#nowMs += ms
    for (const [timer, { dueMs, run }] of [...this.#timers]) {
      if (dueMs > this.#nowMs || !this.#timers.delete(timer)) continue
      run()
    }
  }
}
