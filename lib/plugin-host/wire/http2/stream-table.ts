import type { Http2Stream } from './stream.ts'

/** Places of open streams; a power of two. */
const PLACES = 1024

/**
 * The streams of a connection: open ones, those that wait for a number, and those that wait for room.
 *
 * Open ones stand in a list, by number. A map that takes and loses a stream with every call is made anew every few calls, and
 * its old tables keep the new ones alive, dead as they are, with all the calls in them, until the whole heap is collected.
 */
export class StreamTable {
  /** Streams that the peer takes at once. */
  maxOpen: number = Infinity
  readonly #places: (Http2Stream | undefined)[] = new Array<Http2Stream | undefined>(PLACES).fill(undefined)
  /** Those whose place is taken, by one that lasts. */
  readonly #others = new Map<number, Http2Stream>()
  #size = 0
  readonly #waiting = new Set<Http2Stream>()
  readonly #blocked = new Set<Http2Stream>()

  get size(): number {
    return this.#size
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get isFull(): boolean {
    return this.#size >= this.maxOpen
  }

  get isEmpty(): boolean {
    return this.#size === 0 && this.#waiting.size === 0
  }

  get(id: number): Http2Stream | undefined {
    const stream = this.#places[placeOf(id)]
    if (stream?.id === id) return stream
    return this.#others.size === 0 ? undefined : this.#others.get(id)
  }

  /** Those that wait come last. */
  all(): readonly Http2Stream[] {
    const placed = this.#size === 0 ? [] : this.#places.filter((stream) => stream !== undefined)
    return [...placed, ...this.#others.values(), ...this.#waiting]
  }

  add(stream: Http2Stream): void {
    const place = placeOf(stream.id)
    if (this.#places[place] === undefined) this.#places[place] = stream
    else this.#others.set(stream.id, stream)
    this.#size += 1
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
    const place = placeOf(stream.id)
    if (this.#places[place] === stream) {
      this.#places[place] = undefined
      this.#size -= 1
    } else if (this.#others.delete(stream.id)) this.#size -= 1
    if (this.#waiting.size > 0) this.#waiting.delete(stream)
    if (this.#blocked.size > 0) this.#blocked.delete(stream)
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

/** All numbers of one connection's calls are odd. */
function placeOf(id: number): number {
  return (id >>> 1) & (PLACES - 1)
}
