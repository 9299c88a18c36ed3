/** How many messages wait before the sender has to. */
const FULL = 16

/** How a queue tells its source to stop and go on. */
export interface Source {
  pause(): void
  resume(): void
  /** The reader wants no more. */
  cancel(): void
}

/** Messages that came, until somebody reads them: one reader, and a source that is stopped where it is too fast. */
export class Messages<T> implements AsyncIterable<T> {
  readonly #source: Source
  readonly #waiting: T[] = []
  #wake: (() => void) | undefined
  #end: { readonly error: Error | undefined } | undefined
  #isPaused = false

  constructor(source: Source) {
    this.#source = source
  }

  push(message: T): void {
    if (this.#end !== undefined) return
    this.#waiting.push(message)
    if (this.#waiting.length >= FULL && !this.#isPaused) {
      this.#isPaused = true
      this.#source.pause()
    }
    this.#wake?.()
  }

  /** What waits is still read, then the reader ends, or meets `error`. */
  end(error: Error | undefined): void {
    this.#end ??= { error }
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const message = this.#waiting.shift()
        if (message !== undefined) {
          this.#drained()
          yield message
          continue
        }
        if (this.#end?.error !== undefined) throw this.#end.error
        if (this.#end !== undefined) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
    } finally {
      this.#waiting.length = 0
      if (this.#end === undefined) this.#source.cancel()
    }
  }

  #drained(): void {
    if (!this.#isPaused || this.#waiting.length > 0) return
    this.#isPaused = false
    this.#source.resume()
  }
}
