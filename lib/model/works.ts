/** Work under way that a close has to wait for. */
export class Works {
  readonly #working = new Set<Promise<unknown>>()

  /** `work` itself; it may fail without anybody waiting for it. */
  track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#working.delete(tracked))
    this.#working.add(tracked)
    tracked.catch(() => {})
    return tracked
  }

  /** Resolves when nothing is under way, what is begun meanwhile included. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.allSettled(this.#working)
  }
}
