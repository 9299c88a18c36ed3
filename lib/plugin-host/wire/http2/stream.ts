import type { Buffer } from 'node:buffer'
import { CODE, ConnectionError, FLAG, FRAME, MAX_FRAME_BYTES, MAX_WINDOW } from './frame.ts'
import type { Fields } from './hpack-decoder.ts'
import type { Output } from './output.ts'
import { wordOf } from './payloads.ts'

/** Who takes what a stream brings. Must not throw. */
export interface StreamSink {
  /** Comes first, and once more where trailers follow. */
  onHeaders(fields: Fields): void
  onData(chunk: Buffer): void
  /** The peer sends no more on this stream. */
  onEnd(): void
  /** It has ended both ways. Comes once, last. `code` is that of a reset, by whichever side; 0 without one. */
  onClose(code: number): void
}

/** What of its connection a stream needs. */
export interface StreamHost {
  readonly output: Output
  /** Bytes that the peer takes on the connection. */
  sendWindow: number
  /** Has the socket more to send than it should? */
  readonly isBackedUp: boolean
  sendHeaders(id: number, block: Uint8Array, isEnd: boolean): void
  /** Is to be pumped once there is room. */
  block(stream: Http2Stream): void
  forget(stream: Http2Stream): void
}

/** Room that a peer has on each stream. Small on purpose: it bounds what a reader who waits is sent. */
export const STREAM_WINDOW = 65_535
const WORTH_TELLING = STREAM_WINDOW / 2

/** One stream of a connection; no more than windows and socket allow is under way, the rest waits here. */
export class Http2Stream {
  /** 0: not open yet. */
  id = 0
  sendWindow = 0
  sink: StreamSink
  /** Is sent when the stream is opened; `undefined` after that. */
  block: Uint8Array | undefined
  readonly #host: StreamHost
  readonly #queue: Uint8Array[] = []
  #sentOfFirst = 0
  #isEnding = false
  #trailers: Uint8Array | undefined
  #isLocalEnd = false
  #isRemoteEnd = false
  #isClosed = false
  #isPaused = false
  #receiveWindow = STREAM_WINDOW
  #toTell = 0
  #onDrain: (() => void)[] | undefined

  constructor(host: StreamHost, sink: StreamSink) {
    this.#host = host
    this.sink = sink
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Has the peer said all? */
  get isRemoteEnd(): boolean {
    return this.#isRemoteEnd
  }

  /** Does it still take data? */
  get isWritable(): boolean {
    return !this.#isClosed && !this.#isEnding
  }

  headers(block: Uint8Array): void {
    if (!this.#isClosed) this.#host.sendHeaders(this.id, block, false)
  }

  /** @returns whether there is room for more; see {@link drained}. */
  write(data: Uint8Array): boolean {
    if (!this.isWritable) return true
    this.#queue.push(data)
    this.pump()
    return this.#queue.length === 0
  }

  /** The last of our side: `data`, then `trailers`. */
  end(data?: Uint8Array, trailers?: Uint8Array): void {
    if (!this.isWritable) return
    if (data !== undefined) this.#queue.push(data)
    this.#isEnding = true
    this.#trailers = trailers
    this.pump()
  }

  /** Ends our side with `trailers`, at once: what waits is not sent. */
  cut(trailers: Uint8Array): void {
    if (this.#isClosed || this.#isLocalEnd) return
    this.#queue.length = 0
    this.#sentOfFirst = 0
    this.#isEnding = true
    this.#trailers = trailers
    this.pump()
  }

  /** Ends both sides at once. */
  reset(code: number): void {
    if (this.#isClosed) return
    if (this.id !== 0) {
      const { output } = this.#host
      output.head(4, FRAME.reset, 0, this.id)
      output.bytes(wordOf(code))
    }
    this.close(code)
  }

  /** Nobody needs it any more: ends whatever side is still open. */
  finish(code: number): void {
    if (this.#isRemoteEnd && this.#isLocalEnd) this.close(CODE.none)
    else this.reset(code)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#tell(0)
  }

  /** Resolves once there is room for more, or the stream has ended. */
  drained(): Promise<void> {
    if (this.#isClosed || this.#queue.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onDrain ??= []
      this.#onDrain.push(resolve)
    })
  }

  /** Sends what it may, `frames` at most. @returns whether anything was sent. */
  pump(frames: number = Infinity): boolean {
    if (this.#isClosed || this.id === 0) return false
    let sent = 0
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (sent === frames || !this.#sendSome(first)) {
        this.#host.block(this)
        return sent > 0
      }
      sent += 1
    }
    this.#drain()
    if (this.#isEnding) this.#finish()
    return true
  }

  #sendSome(first: Uint8Array): boolean {
    const host = this.#host
    const left = first.length - this.#sentOfFirst
    const length = Math.min(left, this.sendWindow, host.sendWindow, MAX_FRAME_BYTES)
    if ((length <= 0 && left > 0) || host.isBackedUp) return false
    const isLast = length === left && this.#queue.length === 1 && this.#isEnding && this.#trailers === undefined
    host.output.head(length, FRAME.data, isLast ? FLAG.endStream : 0, this.id)
    host.output.bytes(length === first.length ? first : first.subarray(this.#sentOfFirst, this.#sentOfFirst + length))
    host.sendWindow -= length
    this.sendWindow -= length
    this.#sentOfFirst += length
    if (length === left) {
      this.#queue.shift()
      this.#sentOfFirst = 0
    }
    if (isLast) this.#isLocalEnd = true
    return true
  }

  #finish(): void {
    if (!this.#isLocalEnd) {
      this.#isLocalEnd = true
      if (this.#trailers !== undefined) this.#host.sendHeaders(this.id, this.#trailers, true)
      else this.#host.output.head(0, FRAME.data, FLAG.endStream, this.id)
    }
    if (this.#isRemoteEnd) this.close(CODE.none)
  }

  #drain(): void {
    const waiting = this.#onDrain
    this.#onDrain = undefined
    if (waiting !== undefined) for (const resolve of waiting) resolve()
  }

  /** Headers or trailers have come. */
  receiveHeaders(fields: Fields, isEnd: boolean): void {
    if (this.#isRemoteEnd) {
      this.reset(CODE.streamClosed)
      return
    }
    this.sink.onHeaders(fields)
    if (isEnd) this.#receiveEnd()
  }

  /** @param bytes - What it takes of the window, padding included. @throws {ConnectionError} it is more than the peer was given room for. */
  receiveData(data: Buffer, bytes: number, isEnd: boolean): void {
    if (this.#isRemoteEnd) {
      this.reset(CODE.streamClosed)
      return
    }
    this.#receiveWindow -= bytes
    if (this.#receiveWindow < 0) throw new ConnectionError(CODE.flowControl, 'more data than there is room for')
    if (data.length > 0) this.sink.onData(data)
    if (isEnd) this.#receiveEnd()
    else this.#tell(bytes)
  }

  #receiveEnd(): void {
    if (this.#isClosed) return
    this.#isRemoteEnd = true
    this.sink.onEnd()
    if (this.#isLocalEnd) this.close(CODE.none)
  }

  /** Gives the peer room again for what was taken. */
  #tell(bytes: number): void {
    this.#toTell += bytes
    if (this.#isPaused || this.#isClosed || this.#isRemoteEnd || this.#toTell < WORTH_TELLING) return
    this.#receiveWindow += this.#toTell
    this.#host.output.head(4, FRAME.window, 0, this.id)
    this.#host.output.bytes(wordOf(this.#toTell))
    this.#toTell = 0
  }

  /** The peer gives room. @throws {ConnectionError} more than there can be. */
  widen(bytes: number): void {
    this.sendWindow += bytes
    if (this.sendWindow > MAX_WINDOW) throw new ConnectionError(CODE.flowControl, 'a window is too large')
    if (this.#queue.length > 0) this.pump()
  }

  /** Ends it here alone: the peer knows, or is gone. */
  close(code: number): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#queue.length = 0
    this.#host.forget(this)
    this.#drain()
    this.sink.onClose(code)
  }
}
