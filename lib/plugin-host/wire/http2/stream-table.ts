import type { Http2Stream } from './stream.ts'

/** The streams of a connection: open ones, those that wait for a number, and those that wait for room. */
export class StreamTable {
  /** Streams that the peer takes at once. */
  maxOpen: number = Infinity
  readonly #open = new Map<number, Http2Stream>()
  readonly #waiting = new Set<Http2Stream>()
  readonly #blocked = new Set<Http2Stream>()

  get size(): number {
    return this.#open.size
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get isFull(): boolean {
    return this.#open.size >= this.maxOpen
  }

  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#waiting.size === 0
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id)
  }

  /** Those that wait come last. */
  all(): readonly Http2Stream[] {
    return [...this.#open.values(), ...this.#waiting]
  }

  add(stream: Http2Stream): void {
    this.#open.set(stream.id, stream)
  }

  /** It has no number until others have ended. */
  wait(stream: Http2Stream): void {
    this.#waiting.add(stream)
  }

  /** The next of those that wait for a number. */
  takeWaiting(): Http2Stream | undefined {
    for (const stream of this.#waiting) {
      this.#waiting.delete(stream)
      return stream
    }
    return undefined
  }

  /** It has more to send than it may. */
  block(stream: Http2Stream): void {
    this.#blocked.add(stream)
  }

  remove(stream: Http2Stream): void {
    this.#open.delete(stream.id)
    this.#waiting.delete(stream)
    this.#blocked.delete(stream)
  }

  /** A turn of each that has more to send, as long as that helps. @returns whether it did. */
  unblock(): boolean {
    let hasMoved = false
    for (let isMoving = true; isMoving && this.#blocked.size > 0; hasMoved ||= isMoving) {
      isMoving = false
      for (const stream of [...this.#blocked]) {
        this.#blocked.delete(stream)
        if (stream.pump(1)) isMoving = true
      }
    }
    return hasMoved
  }
}
