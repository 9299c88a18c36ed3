/**
 * Calls that have begun and not ended, for a `close()` that waits for them.
 *
 * They are counted, not kept: a set that takes and loses one with every call is made anew every few calls, and its old
 * tables keep what they held alive until the whole heap is collected.
 */
export class InFlight {
  #calls = 0
  #onIdle: (() => void)[] = []

  /** `call`, held until it ends. */
  async hold<T>(call: Promise<T>): Promise<T> {
    this.#calls += 1
    try {
      return await call
    } finally {
      this.#calls -= 1
      if (this.#calls === 0) this.#tellIdle()
    }
  }

  /** Resolves when all have ended, however they end; those too that begin meanwhile. */
  idle(): Promise<void> {
    if (this.#calls === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  #tellIdle(): void {
    const waiting = this.#onIdle
    if (waiting.length === 0) return
    this.#onIdle = []
    for (const resolve of waiting) resolve()
  }
}
