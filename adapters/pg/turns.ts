interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  timer: NodeJS.Timeout | undefined
}

/**
 * Lets `max` at a time have a connection, first come first served.
 *
 * It stands before the pools of all generations, so that `max` bounds them together, and so that nobody
 * queues at a pool which a rotation ends.
 */
export class Turns {
  #free: number
  readonly #timeoutMs: number
  readonly #waiters = new Set<Waiter>()

  /** @param timeoutMs - How long one may wait; 0: for ever. */
  constructor(max: number, timeoutMs: number) {
    this.#free = max
    this.#timeoutMs = timeoutMs
  }

  get waiting(): number {
    return this.#waiters.size
  }

  take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => this.#wait(resolve, reject))
  }

  #wait(resolve: () => void, reject: (error: Error) => void): void {
    const waiter: Waiter = { resolve, reject, timer: undefined }
    this.#waiters.add(waiter)
    if (this.#timeoutMs === 0) return
    const expire = (): void => {
      this.#waiters.delete(waiter)
      // The words of pg-pool, which programs match.
      reject(new Error('timeout exceeded when trying to connect'))
    }
    waiter.timer = setTimeout(expire, this.#timeoutMs).unref()
  }

  give(): void {
    const [next] = this.#waiters
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiters.delete(next)
    clearTimeout(next.timer)
    next.resolve()
  }

  /** Refuses all who wait. */
  refuse(error: Error): void {
    for (const waiter of this.#waiters) {
      clearTimeout(waiter.timer)
      waiter.reject(error)
    }
    this.#waiters.clear()
  }
}
