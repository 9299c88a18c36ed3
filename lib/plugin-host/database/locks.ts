/** Many may share it; one alone may have it to itself. Who waits to have it alone is not overtaken. */
export class SharedLock {
  readonly #sharing = new Set<Promise<unknown>>()
  /** The last of those who have it, or wait to have it, alone. Never rejects. */
  #alone: Promise<unknown> | undefined

  async shared<T>(run: () => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone
    const running = run()
    this.#sharing.add(running)
    try {
      return await running
    } finally {
      this.#sharing.delete(running)
    }
  }

  async exclusive<T>(run: () => Promise<T>): Promise<T> {
    const before = this.#alone
    const running = (async (): Promise<T> => {
      await before
      await Promise.allSettled(this.#sharing)
      return await run()
    })()
    const settled = running.then(
      () => {},
      () => {},
    )
    this.#alone = settled
    try {
      return await running
    } finally {
      if (this.#alone === settled) this.#alone = undefined
    }
  }
}

/** One at a time for each name; in order. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  async take<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    const running = before === undefined ? run() : before.then(run)
    const settled = running.then(
      () => {},
      () => {},
    )
    this.#last.set(name, settled)
    try {
      return await running
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name)
    }
  }

  /** Resolves when those that have begun or wait by now have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}
