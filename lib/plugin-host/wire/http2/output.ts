import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import { FRAME_HEADER_BYTES } from './frame.ts'

const SLAB_BYTES = 32_768

/**
 * Frames on their way to a socket: those of one turn of the event loop leave in one write.
 *
 * Frames are written one after the other into pieces of memory that are used up once, so that a call allocates nothing.
 */
export class Output {
  readonly #socket: Duplex
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #from = 0
  #to = 0
  #isScheduled = false

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Bytes that the socket has not taken yet. */
  get backlog(): number {
    return this.#socket.writableLength + this.#to - this.#from
  }

  /** Adds a frame. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    this.head(payload.length, type, flags, stream)
    this.bytes(payload)
  }

  /** Adds the head of a frame, whose payload has to follow. */
  head(length: number, type: number, flags: number, stream: number): void {
    const slab = this.#room(FRAME_HEADER_BYTES + length)
    const at = this.#to
    slab[at] = length >>> 16
    slab[at + 1] = (length >>> 8) & 0xff
    slab[at + 2] = length & 0xff
    slab[at + 3] = type
    slab[at + 4] = flags
    slab.writeUInt32BE(stream, at + 5)
    this.#to += FRAME_HEADER_BYTES
  }

  /** Adds a part of a payload. */
  bytes(part: Uint8Array): void {
    this.#room(part.length).set(part, this.#to)
    this.#to += part.length
  }

  /** Sends what there is, now. */
  flush(): void {
    if (this.#to === this.#from) return
    const piece = this.#slab.subarray(this.#from, this.#to)
    this.#from = this.#to
    if (this.#socket.writable) this.#socket.write(piece)
  }

  #room(bytes: number): Buffer {
    if (!this.#isScheduled) {
      this.#isScheduled = true
      process.nextTick(this.#onTurn)
    }
    if (this.#slab.length - this.#to < bytes) {
      this.flush()
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes))
      this.#from = 0
      this.#to = 0
    }
    return this.#slab
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false
    this.flush()
  }
}
