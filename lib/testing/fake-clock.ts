import type { Clock, Timer } from '../ports/clock.ts'

/** First reading of {@link FakeClock.now}. Not 0: lru-cache takes a stamp of 0 for "never ends". */
export const FAKE_CLOCK_START_MS = 1_000_000

/** First reading of {@link FakeClock.wallTime}: 2026-01-01T00:00:00Z. */
export const FAKE_WALL_START_MS: number = Date.UTC(2026, 0, 1)

/** Turns of the event loop that a settled moment takes; each runs every promise that can go on. */
const SETTLE_TURNS = 4

/** Timers that one `advance` may run: more is a timer that sets itself anew with a delay of 0. */
const MAX_RUNS = 100_000

interface FakeTimer {
  readonly dueMs: number
  readonly order: number
  readonly run: () => void
}

/**
 * A {@link Clock} that stands still until told to move.
 *
 * @example
 * const clock = new FakeClock()
 * clock.after(1_000, () => console.log('due'))
 * await clock.advance(999)  // nothing
 * await clock.advance(1)    // due
 */
export class FakeClock implements Clock {
  #nowMs = FAKE_CLOCK_START_MS
  #wallMs = FAKE_WALL_START_MS
  #order = 0
  readonly #timers = new Set<FakeTimer>()

  /** Number of timers that wait. 0 at the end of a test tells that nothing was left behind. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  wallTime(): number {
    return this.#wallMs
  }

  /** @throws {RangeError} when `delayMs` is negative or not a number; a real timer would fire at once and hide it. */
  after(delayMs: number, run: () => void): Timer {
    if (!(delayMs >= 0)) throw new RangeError(`delayMs must be 0 or more, got ${delayMs}`)
    const timer: FakeTimer = { dueMs: this.#nowMs + delayMs, order: this.#order++, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /**
   * Moves both clocks forward by `ms`, running what falls due, in order, and settling promises between.
   *
   * Timers that are set on the way, and fall due on the way, run too. `advance(0)` settles, and runs what is due now.
   * Settling is a few turns of the event loop: it awaits chains of promises, not real input and output.
   *
   * @throws what a timer throws; the clock stays at the moment when that timer was due.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`ms must be 0 or more and finite, got ${ms}`)
    const endMs = this.#nowMs + ms
    await settle()
    for (let runs = 0; ; runs++) {
      const due = this.#next(endMs)
      if (due === undefined) break
      if (runs === MAX_RUNS) throw new Error(`more than ${MAX_RUNS} timers fell due: does one set itself anew at once?`)
      this.#moveTo(due.dueMs)
      this.#timers.delete(due)
      due.run()
      await settle()
    }
    this.#moveTo(endMs)
  }

  /** Moves the wall clock alone, either way, as an operator or NTP would. Nothing falls due by it. */
  jumpWall(ms: number): void {
    this.#wallMs += ms
  }

  /** Moves the monotonic clock alone, without running anything: a frozen process that has not gone on yet. */
  freeze(ms: number): void {
    this.#nowMs += ms
  }

  #moveTo(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#nowMs)
    this.#nowMs += passedMs
    this.#wallMs += passedMs
  }

  #next(endMs: number): FakeTimer | undefined {
    let next: FakeTimer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || isBefore(timer, next))) next = timer
    }
    return next
  }
}

function isBefore(a: FakeTimer, b: FakeTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

/** Lets promises go on until those that wait for nothing outside have settled. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
