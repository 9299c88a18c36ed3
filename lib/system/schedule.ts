import type { Clock, Timer } from '../ports/clock.ts'
import type { Due, Schedule, Scheduled } from '../ports/schedule.ts'
import { Heap, NOWHERE } from './heap.ts'

export interface ScheduleOptions {
  /** Is told what a call threw; the others run all the same. */
  readonly onError: (error: unknown) => void
}

/**
 * One heap and one timer for many moments, such as those of all leases.
 *
 * A timer for each lease would cost the process a timer for each of 100,000; here a call costs its item
 * and O(log n). The timer is set anew only for an earlier moment; one that comes too early, because the
 * first call was cancelled or moved back, finds nothing due and sets the next. A timer that comes late,
 * after a freeze, runs everything that is due by then: in order of moment, then of insertion.
 */
export function createSchedule(clock: Clock, options: ScheduleOptions): Schedule {
  return new TimedSchedule(clock, options)
}

/** Place of an item that was taken out of the heap to be run, and still is to be. */
const RUNNING = -2

class Item implements Due, Scheduled {
  place: number = NOWHERE
  dueMs: number = Infinity
  order = 0
  readonly run: () => void
  readonly #schedule: Schedule

  constructor(schedule: Schedule, run: () => void) {
    this.#schedule = schedule
    this.run = run
  }

  cancel(): void {
    this.#schedule.remove(this)
  }

  reschedule(dueMs: number): void {
    this.#schedule.put(this, dueMs)
  }
}

class TimedSchedule implements Schedule {
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void
  readonly #heap = new Heap<Due>(isBefore)
  #order = 0
  #timer: Timer | undefined
  /** Moment for which the timer is set; `Infinity` without timer. */
  #armedMs = Infinity
  #isRunning = false
  #isClosed = false

  constructor(clock: Clock, { onError }: ScheduleOptions) {
    this.#clock = clock
    this.#onError = onError
  }

  get size(): number {
    return this.#heap.size
  }

  at(dueMs: number, run: () => void): Scheduled {
    const item = new Item(this, run)
    this.put(item, dueMs)
    return item
  }

  put(item: Due, dueMs: number): void {
    item.dueMs = checked(dueMs)
    item.order = this.#order++
    if (item.place >= 0) {
      this.#heap.moved(item)
      this.#arm()
    } else this.#add(item)
  }

  remove(item: Due): void {
    if (item.place >= 0) this.#heap.remove(item)
    item.place = NOWHERE
    if (this.#heap.size === 0) this.#disarm()
  }

  close(): void {
    this.#isClosed = true
    this.#heap.clear()
    this.#disarm()
  }

  #add(item: Due): void {
    if (this.#isClosed) return
    this.#heap.add(item)
    this.#arm()
  }

  #arm(): void {
    const dueMs = this.#heap.first?.dueMs ?? Infinity
    if (this.#isRunning || dueMs >= this.#armedMs) return
    this.#timer?.cancel()
    this.#armedMs = dueMs
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.now()), () => this.#onTimer())
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armedMs = Infinity
  }

  #onTimer(): void {
    this.#disarm()
    this.#isRunning = true
    for (const item of this.#takeDue(this.#clock.now())) this.#runItem(item)
    this.#isRunning = false
    this.#arm()
  }

  /** Taken out before any is run: a call that puts itself in anew, due at once, must not keep the thread. */
  #takeDue(nowMs: number): readonly Due[] {
    const due: Due[] = []
    for (let item = this.#heap.first; item !== undefined && item.dueMs <= nowMs; item = this.#heap.first) {
      this.#heap.remove(item)
      item.place = RUNNING
      due.push(item)
    }
    return due
  }

  #runItem(item: Due): void {
    // Cancelled or moved by one that ran before it.
    if (item.place !== RUNNING || this.#isClosed) return
    item.place = NOWHERE
    try {
      item.run()
    } catch (error) {
      this.#tell(error)
    }
  }

  #tell(error: unknown): void {
    try {
      this.#onError(error)
    } catch {
      // Who is told of errors has failed; there is nobody else to tell, and others wait to be run.
    }
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

function checked(dueMs: number): number {
  if (typeof dueMs !== 'number' || Number.isNaN(dueMs)) throw new RangeError(`dueMs must be a number, got ${dueMs}`)
  return dueMs
}
