import { Buffer } from 'node:buffer'

const NEWLINE = 0x0a

/**
 * Cuts a stream of bytes into lines, holding at most `maxBytes` of it. Empty lines are not given.
 *
 * A longer line is given once, cut off; the rest of it is passed over until the newline.
 */
export class Lines {
  readonly #maxBytes: number
  readonly #onLine: (line: string, isCut: boolean) => void
  #held: Buffer[] = []
  #heldBytes = 0
  #isPassing = false

  constructor(maxBytes: number, onLine: (line: string, isCut: boolean) => void) {
    this.#maxBytes = maxBytes
    this.#onLine = onLine
  }

  push(chunk: Buffer): void {
    let start = 0
    while (start < chunk.length) {
      const end = chunk.indexOf(NEWLINE, start)
      const stop = end === -1 ? chunk.length : end
      this.#take(chunk, start, stop)
      if (end === -1) return
      this.#finish()
      start = end + 1
    }
  }

  /** What came after the last newline, as a line. */
  end(): void {
    if (this.#heldBytes > 0) this.#finish()
  }

  #take(chunk: Buffer, start: number, stop: number): void {
    if (this.#isPassing || stop === start) return
    const room = this.#maxBytes - this.#heldBytes
    const taken = Math.min(room, stop - start)
    // A copy: a slice would keep the whole chunk alive for a few bytes.
    this.#held.push(Buffer.from(chunk.subarray(start, start + taken)))
    this.#heldBytes += taken
    if (stop - start > room) this.#emit(true)
  }

  #finish(): void {
    if (this.#heldBytes > 0) this.#emit(false)
    this.#isPassing = false
  }

  #emit(isCut: boolean): void {
    const line = Buffer.concat(this.#held, this.#heldBytes).toString('utf8')
    this.#held = []
    this.#heldBytes = 0
    this.#isPassing = isCut
    this.#onLine(line, isCut)
  }
}
