/** Calls that have begun and not ended, for a `close()` that waits for them. */
export class InFlight {
  readonly #calls = new Set<Promise<unknown>>()

  /** `call`, held until it ends. */
  async hold<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call)
    try {
      return await call
    } finally {
      this.#calls.delete(call)
    }
  }

  /** Resolves when those that have begun by now have ended, however they end. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#calls)
  }
}
