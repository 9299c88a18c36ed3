import { Buffer } from 'node:buffer'
import { CODE, ConnectionError, FRAME_HEADER_BYTES, MAX_FRAME_BYTES } from './frame.ts'

/** Takes a whole frame; `payload` is the taker's to keep. */
export type OnFrame = (type: number, flags: number, stream: number, payload: Buffer) => void

/** Cuts what a socket brings into frames. Holds no more than one frame that is not whole. */
export class FrameParser {
  readonly #onFrame: OnFrame
  #held: Buffer | undefined

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame
  }

  /** @throws {ConnectionError} FRAME_SIZE_ERROR; whatever `onFrame` throws passes through. */
  push(chunk: Buffer): void {
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = undefined
    let at = 0
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const length = bytes.readUIntBE(at, 3)
      if (length > MAX_FRAME_BYTES) throw new ConnectionError(CODE.frameSize, 'a frame is too long')
      const start = at + FRAME_HEADER_BYTES
      if (bytes.length - start < length) break
      at = start + length
      const stream = bytes.readUInt32BE(start - 4) & 0x7fff_ffff
      this.#onFrame(bytes[start - 6] ?? 0, bytes[start - 5] ?? 0, stream, bytes.subarray(start, at))
    }
    // A copy: the rest of the piece is not to be kept alive by a few bytes of it.
    if (at < bytes.length) this.#held = Buffer.from(bytes.subarray(at))
  }
}
