import { Buffer } from 'node:buffer'
import { CODE, ConnectionError, FLAG, FRAME } from './frame.ts'
import { type Fields, HpackDecoder } from './hpack-decoder.ts'
import { unpadded } from './payloads.ts'

/** Header fields that have come whole. */
export interface HeaderBlock {
  readonly fields: Fields
  /** Is the stream's other half closed with them? */
  readonly isEnd: boolean
}

/** Frames that one block may be spread over. */
const MAX_PARTS = 16
const PRIORITY_BYTES = 5

/** Puts blocks of header fields together out of their frames, and reads them. */
export class HeaderReader {
  readonly #maxBytes: number
  readonly #decoder: HpackDecoder
  #parts: Buffer[] = []
  #id = 0
  #isEnd = false

  constructor(maxListBytes: number) {
    this.#maxBytes = maxListBytes
    this.#decoder = new HpackDecoder(maxListBytes)
  }

  /** Is a block under way? Nothing else may come before its rest. */
  get isOpen(): boolean {
    return this.#parts.length > 0
  }

  /** The block, with its last frame. @throws {ConnectionError} */
  push(type: number, flags: number, id: number, payload: Buffer): HeaderBlock | undefined {
    if (type === FRAME.headers) {
      this.#id = id
      this.#isEnd = (flags & FLAG.endStream) !== 0
    } else if (id !== this.#id) throw new ConnectionError(CODE.protocol, 'a block of headers is torn')
    const part = type === FRAME.headers ? bare(payload, flags) : payload
    if ((flags & FLAG.endHeaders) === 0) return this.#hold(part)
    const block = this.#parts.length === 0 ? part : Buffer.concat([...this.#parts, part])
    this.#parts = []
    if (block.length > this.#maxBytes) throw tooLong()
    return { fields: this.#decoder.decode(block), isEnd: this.#isEnd }
  }

  #hold(part: Buffer): undefined {
    this.#parts.push(Buffer.from(part))
    const bytes = this.#parts.reduce((sum, { length }) => sum + length, 0)
    if (this.#parts.length > MAX_PARTS || bytes > this.#maxBytes) throw tooLong()
  }
}

function bare(payload: Buffer, flags: number): Buffer {
  const block = (flags & FLAG.padded) === 0 ? payload : unpadded(payload)
  if ((flags & FLAG.priority) === 0) return block
  if (block.length < PRIORITY_BYTES) throw new ConnectionError(CODE.frameSize, 'a frame has not its size')
  return block.subarray(PRIORITY_BYTES)
}

function tooLong(): ConnectionError {
  return new ConnectionError(CODE.calm, 'a block of headers is too long')
}
