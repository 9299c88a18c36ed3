import type { Clock, Timer } from '../ports/clock.ts'
import type { TransportOptions } from '../ports/transport.ts'

/** Why an exchange was ended from our side. */
export type Ended = { readonly by: 'time' } | { readonly by: 'signal'; readonly reason: unknown }

/** Time limit and abort signal of one exchange, over all its tries. */
export class Limit {
  readonly #clock: Clock
  readonly #endMs: number
  readonly #timer: Timer
  readonly #signal: AbortSignal | undefined
  #ended: Ended | undefined
  #onEnd: ((ended: Ended) => void) | undefined

  constructor(clock: Clock, options: TransportOptions) {
    this.#clock = clock
    this.#endMs = clock.now() + options.timeoutMs
    this.#timer = clock.after(options.timeoutMs, () => this.#end({ by: 'time' }))
    this.#signal = options.signal
    if (this.#signal?.aborted === true) this.#ended = { by: 'signal', reason: this.#signal.reason }
    else this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Set once the exchange has to end. */
  get ended(): Ended | undefined {
    return this.#ended
  }

  /** Milliseconds until the time limit. */
  leftMs(): number {
    return this.#endMs - this.#clock.now()
  }

  /** Calls `run` when the limit is reached; replaces the one before. */
  watch(run: ((ended: Ended) => void) | undefined): void {
    this.#onEnd = run
  }

  /**
   * Resolves after `delayMs`, or as soon as the limit is reached.
   *
   * The clock's timers let the process end. Here a caller waits for us and no socket is open, so
   * without a handle of our own a service whose server is down would exit in the middle of its start.
   */
  async wait(delayMs: number): Promise<void> {
    if (this.#ended !== undefined) return
    const handle = setInterval(() => {}, 2 ** 30)
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(delayMs, resolve)
      this.watch(() => {
        timer.cancel()
        resolve()
      })
    })
    this.watch(undefined)
    clearInterval(handle)
  }

  /** Lets go of timer and signal. */
  release(): void {
    this.#timer.cancel()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#onEnd = undefined
  }

  readonly #onAbort = (): void => this.#end({ by: 'signal', reason: this.#signal?.reason })

  #end(ended: Ended): void {
    if (this.#ended !== undefined) return
    this.#ended = ended
    this.#onEnd?.(ended)
  }
}
