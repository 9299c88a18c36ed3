/** Lets many pass at once, or one alone: who is alone waits until the others are through, and new ones wait for it. */
export class Gate {
  #passing = 0
  #alone: Promise<void> | undefined
  #onEmpty: (() => void) | undefined

  /** May one pass without waiting? Then {@link enter} is synchronous. */
  get isOpen(): boolean {
    return this.#alone === undefined
  }

  /** Waits while someone is alone. */
  async opened(): Promise<void> {
    while (this.#alone !== undefined) await this.#alone
  }

  /** Only while {@link isOpen}; each is to be followed by one {@link leave}. */
  enter(): void {
    this.#passing += 1
  }

  leave(): void {
    this.#passing -= 1
    if (this.#passing === 0) this.#onEmpty?.()
  }

  /**
   * Runs `work` with nobody else inside.
   *
   * @param waitForPassing - Resolves when those inside are no longer waited for; a plugin that hangs must not keep a
   *   reload from ending it.
   */
  async alone<T>(work: () => Promise<T>, waitForPassing: Promise<void>): Promise<T> {
    // Looked at and taken at once: of two who wait, one goes on.
    while (this.#alone !== undefined) await this.#alone
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#alone = promise
    try {
      if (this.#passing > 0) {
        const empty = new Promise<void>((done) => {
          this.#onEmpty = done
        })
        await Promise.race([empty, waitForPassing])
      }
      return await work()
    } finally {
      this.#alone = undefined
      this.#onEmpty = undefined
      resolve()
    }
  }
}
