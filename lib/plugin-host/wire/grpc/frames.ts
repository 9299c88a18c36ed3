import { BinaryWriter } from '@bufbuild/protobuf/wire'
import type { Budget } from './limits.ts'
import type { Codec } from './method.ts'
import { GRPC_STATUS, GrpcStatusError } from './status.ts'

/** One byte of flags, four of length. */
const HEADER_BYTES = 5
const EMPTY_HEADER = new Uint8Array(HEADER_BYTES)
/** First piece of memory for a message that does not come whole. */
const FIRST_BYTES = 64 * 1024

/** A message with its header before it, in one buffer. @throws {GrpcStatusError} RESOURCE_EXHAUSTED beyond `maxBytes`. */
export function encodeFrame<T>(codec: Codec<T>, message: T, maxBytes: number): Uint8Array {
  const frame = codec.encode(message, new BinaryWriter().raw(EMPTY_HEADER)).finish()
  const length = frame.byteLength - HEADER_BYTES
  if (length > maxBytes)
    throw new GrpcStatusError(GRPC_STATUS.resourceExhausted, `a message of ${length} bytes exceeds ${maxBytes}`)
  frame[1] = length >>> 24
  frame[2] = (length >>> 16) & 0xff
  frame[3] = (length >>> 8) & 0xff
  frame[4] = length & 0xff
  return frame
}

/** @throws {GrpcStatusError} INTERNAL for bytes that are no such message. */
export function decodeMessage<T>(codec: Codec<T>, bytes: Uint8Array): T {
  try {
    return codec.decode(bytes)
  } catch (cause) {
    throw new GrpcStatusError(GRPC_STATUS.internal, 'a message could not be decoded', { cause })
  }
}

/**
 * Cuts what a stream brings into messages.
 *
 * A message that comes in one piece is handed on without a copy. For others memory grows with what has really come,
 * never with what the header announces, and one that announces too much is refused before its first byte.
 */
export class FrameReader {
  readonly #maxBytes: number
  readonly #budget: Budget
  #held: Buffer | undefined
  #heldBytes = 0
  /** Bytes of the frame under way, header included; only the header where that is not whole. */
  #needed = HEADER_BYTES

  constructor(maxBytes: number, budget: Budget) {
    this.#maxBytes = maxBytes
    this.#budget = budget
  }

  /** Between two messages? */
  get isAtBoundary(): boolean {
    return this.#heldBytes === 0
  }

  /** @throws {GrpcStatusError} for a message that is too long or compressed. Whatever `onMessage` throws passes through. */
  push(chunk: Buffer, onMessage: (message: Uint8Array) => void): void {
    let at = 0
    while (at < chunk.length) {
      at = this.#heldBytes > 0 ? this.#fill(chunk, at, onMessage) : this.#cut(chunk, at, onMessage)
    }
  }

  /** Forgets what is not whole. */
  close(): void {
    if (this.#held !== undefined) this.#budget.give(this.#held.length)
    this.#held = undefined
    this.#heldBytes = 0
    this.#needed = HEADER_BYTES
  }

  #cut(chunk: Buffer, at: number, onMessage: (message: Uint8Array) => void): number {
    const left = chunk.length - at
    const end = left < HEADER_BYTES ? Infinity : at + HEADER_BYTES + this.#lengthIn(chunk, at)
    if (end <= chunk.length) {
      onMessage(chunk.subarray(at + HEADER_BYTES, end))
      return end
    }
    this.#needed = end === Infinity ? HEADER_BYTES : end - at
    this.#hold(chunk, at, chunk.length)
    return chunk.length
  }

  #fill(chunk: Buffer, at: number, onMessage: (message: Uint8Array) => void): number {
    const end = Math.min(chunk.length, at + this.#needed - this.#heldBytes)
    this.#hold(chunk, at, end)
    if (this.#heldBytes < this.#needed || this.#held === undefined) return end
    if (this.#needed === HEADER_BYTES) {
      const length = this.#lengthIn(this.#held, 0)
      this.#needed += length
      if (length > 0) return end
    }
    const message = this.#held.subarray(HEADER_BYTES, this.#needed)
    // Never used again: what is decoded may point into it.
    this.close()
    onMessage(message)
    return end
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const bytes = this.#heldBytes + to - from
    if (this.#held === undefined || this.#held.length < bytes) this.#grow(bytes)
    this.#held?.set(chunk.subarray(from, to), this.#heldBytes)
    this.#heldBytes = bytes
  }

  #grow(bytes: number): void {
    const old = this.#held
    const doubled = Math.max(bytes, FIRST_BYTES, 2 * (old?.length ?? 0))
    const size = this.#needed === HEADER_BYTES ? HEADER_BYTES : Math.min(this.#needed, doubled)
    this.#budget.take(size - (old?.length ?? 0))
    this.#held = Buffer.allocUnsafeSlow(size)
    if (old !== undefined) this.#held.set(old.subarray(0, this.#heldBytes))
  }

  #lengthIn(bytes: Buffer, at: number): number {
    if (bytes[at] !== 0) throw new GrpcStatusError(GRPC_STATUS.unimplemented, 'compressed messages are not read')
    const length = bytes.readUInt32BE(at + 1)
    if (length > this.#maxBytes)
      throw new GrpcStatusError(GRPC_STATUS.resourceExhausted, `a message of ${length} bytes exceeds ${this.#maxBytes}`)
    return length
  }
}
