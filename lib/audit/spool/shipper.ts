import type { Clock, Timer } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { withinLimit } from '../within-limit.ts'
import { backOff, nextBatchSize } from './back-off.ts'

/** What is shipped in one go. */
export interface Batch<T> {
  readonly entries: readonly T[]
  /** Lines that cannot be shipped. */
  readonly setAside: number
}

/** Where entries wait. */
export interface Source<T> {
  /** The oldest that wait; the same again until {@link shipped} is told. `undefined`: nothing waits. */
  next(maxEntries: number): Promise<Batch<T> | undefined>
  /** The batch that {@link next} gave last need not be given again. */
  shipped(): Promise<void>
}

/** What became of what waited. */
export interface Shipped {
  /** Entries whose receipt came. */
  readonly shipped: number
  /** Exports that failed; their entries are tried again. */
  readonly failed: number
  /** Lines that could not be shipped, and were set aside. */
  readonly setAside: number
}

export interface ShipperDeps<T> {
  readonly source: Source<T>
  /** @throws (the promise rejects) where no receipt came. */
  readonly send: (entries: readonly T[]) => Promise<void>
  readonly clock: Clock
  readonly random: Random
  /** How long entries gather before they are sent; milliseconds. */
  readonly delayMs: number
  /** First wait after a failure; milliseconds. */
  readonly retryMs: number
  /** How long sending may last before it counts as failed; milliseconds. */
  readonly sendTimeoutMs: number
  /** Entries sent at most in one go. */
  readonly batchSize: number
  /** Called once each time it turns from shipping to failing. */
  readonly onFailure: (cause: unknown) => void
}

/** Takes entries from where they wait to where they are sent: in order, at least once, for as long as it takes. */
export class Shipper<T> {
  readonly #deps: ShipperDeps<T>
  readonly #running: Promise<void>
  #counts = { shipped: 0, failed: 0, setAside: 0 }
  #batchSize: number
  /** In a row. */
  #failures = 0
  /** Was something said to wait that was not looked for yet? */
  #isWoken = true
  #isHurried = false
  #wakeUp: (() => void) | undefined
  #pause: { readonly timer: Timer; readonly end: () => void } | undefined
  /** Is it to end, once nothing waits or an export fails? */
  #isEnding = false
  #isStopped = false

  constructor(deps: ShipperDeps<T>) {
    this.#deps = deps
    this.#batchSize = deps.batchSize
    this.#running = this.#run()
  }

  /** Something waits. */
  wake(): void {
    this.#isWoken = true
    this.#wakeUp?.()
  }

  /** So much waits that no more need gather. No effect while it waits after a failure. */
  hurry(): void {
    this.#isHurried = true
    this.wake()
    if (this.#failures === 0) this.#pause?.end()
  }

  counts(): Shipped {
    return { ...this.#counts }
  }

  /** Ships what waits, unless an export fails or `limitMs` pass, and ends. What was being sent then may have arrived. Idempotent. */
  async close(limitMs: number): Promise<void> {
    this.#isEnding = true
    this.wake()
    this.#pause?.end()
    await withinLimit(this.#running, limitMs, this.#deps.clock)
    this.#isStopped = true
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#isWoken = false
      const outcome = await this.#ship()
      if (this.#isStopped) return
      if (outcome === 'failed') {
        if (this.#isEnding) return
        const { random, retryMs } = this.#deps
        await this.#wait(backOff(this.#failures, retryMs, random.fraction()))
      } else if (outcome === 'all') {
        if (this.#isEnding && !this.#isWoken) return
        await this.#more()
      }
    }
  }

  /** Waits until something waits, and then for more to gather. */
  async #more(): Promise<void> {
    if (!this.#isWoken) await this.#woken()
    if (!this.#isEnding && !this.#isHurried) await this.#wait(this.#deps.delayMs)
    this.#isHurried = false
  }

  /** `all`: as far as is known, nothing waits any more. */
  async #ship(): Promise<'some' | 'all' | 'failed'> {
    const { source, onFailure } = this.#deps
    const batchSize = this.#batchSize
    try {
      const batch = await source.next(batchSize)
      if (batch === undefined) return 'all'
      if (batch.entries.length > 0) await this.#send(batch.entries)
      if (this.#isStopped) return 'all'
      await source.shipped()
      this.#counts.shipped += batch.entries.length
      this.#counts.setAside += batch.setAside
      this.#became(false)
      return 'some'
    } catch (cause) {
      if (this.#isStopped) return 'failed'
      this.#counts.failed += 1
      if (this.#failures === 0) onFailure(cause)
      this.#became(true)
      return 'failed'
    }
  }

  async #send(entries: readonly T[]): Promise<void> {
    const { clock, send, sendTimeoutMs } = this.#deps
    if (await withinLimit(send(entries), sendTimeoutMs, clock)) return
    throw new Error(`the exporter has not answered for ${sendTimeoutMs} ms`)
  }

  #became(hasFailed: boolean): void {
    this.#failures = hasFailed ? this.#failures + 1 : 0
    this.#batchSize = nextBatchSize(this.#batchSize, hasFailed, this.#deps.batchSize)
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeUp = () => {
        this.#wakeUp = undefined
        resolve()
      }
    })
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#pause = undefined
        timer.cancel()
        resolve()
      }
      const timer = this.#deps.clock.after(delayMs, end)
      this.#pause = { timer, end }
    })
  }
}
