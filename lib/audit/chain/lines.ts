import type { ChainVerifier } from './verifier.ts'

/** Longest line that is taken, in bytes. */
export const MAX_LINE_BYTES: number = 256 * 1024 * 1024

const NEWLINE = 0x0a

/** Cuts what is read of a file into lines, without a copy where a line lies in one chunk. */
export class LineCutter {
  readonly #verifier: ChainVerifier
  #rest: Buffer[] = []
  #restBytes = 0

  constructor(verifier: ChainVerifier) {
    this.#verifier = verifier
  }

  /** @throws {RangeError} a line is longer than {@link MAX_LINE_BYTES}. */
  chunk(bytes: Buffer): void {
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#verifier.line(this.#whole(bytes.subarray(start, end)), true)
      start = end + 1
    }
    if (start === bytes.length) return
    this.#restBytes += bytes.length - start
    if (this.#restBytes > MAX_LINE_BYTES) throw new RangeError(`a line is longer than ${MAX_LINE_BYTES} bytes`)
    // The reader may use its buffer again.
    this.#rest.push(Buffer.from(bytes.subarray(start)))
  }

  /** The file has ended. */
  end(): void {
    if (this.#restBytes > 0) this.#verifier.line(this.#whole(Buffer.alloc(0)), false)
  }

  #whole(piece: Buffer): Buffer {
    if (this.#restBytes === 0) return piece
    const whole = Buffer.concat([...this.#rest, piece])
    this.#rest = []
    this.#restBytes = 0
    return whole
  }
}
