import type { Clock, Timer } from '../../ports/clock.ts'

/** Longest wait before the wall clock is looked at again, since it can be set while we wait; milliseconds. */
const LOOK_MS = 60_000

/**
 * Names that fall due at moments of the wall clock, on one timer.
 *
 * What falls due leaves the queue and is handed to `run`, `atOnce` of them at a time, which may put it in again.
 */
export class DueQueue {
  readonly #clock: Clock
  readonly #atOnce: number
  readonly #run: (name: string) => Promise<void>
  readonly #dueMs = new Map<string, number>()
  readonly #running = new Set<Promise<void>>()
  #timer: Timer | undefined
  #isClosed = false

  /** @param run - Never rejects. */
  constructor(clock: Clock, atOnce: number, run: (name: string) => Promise<void>) {
    this.#clock = clock
    this.#atOnce = atOnce
    this.#run = run
  }

  /** @param dueMs - Milliseconds since 1970; what is past is due at once, but not within this call. */
  set(name: string, dueMs: number): void {
    this.#dueMs.set(name, dueMs)
    this.#arm()
  }

  delete(name: string): void {
    this.#dueMs.delete(name)
  }

  /** Starts what is due by now; for those who know that time has passed. */
  look(): void {
    if (this.#isClosed) return
    const nowMs = this.#clock.wallTime()
    for (const [name, dueMs] of this.#dueMs) {
      if (this.#running.size >= this.#atOnce) break
      if (dueMs <= nowMs) this.#start(name)
    }
    this.#arm()
  }

  /** Starts no more, and waits for what runs. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#dueMs.clear()
    await Promise.all(this.#running)
  }

  #start(name: string): void {
    this.#dueMs.delete(name)
    const running = this.#run(name).finally(() => {
      this.#running.delete(running)
      // There is room for one that had to wait.
      this.look()
    })
    this.#running.add(running)
  }

  #arm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#isClosed || this.#dueMs.size === 0 || this.#running.size >= this.#atOnce) return
    let nextMs = Infinity
    for (const dueMs of this.#dueMs.values()) nextMs = Math.min(nextMs, dueMs)
    const delayMs = Math.min(Math.max(0, nextMs - this.#clock.wallTime()), LOOK_MS)
    this.#timer = this.#clock.after(delayMs, () => this.look())
  }
}
