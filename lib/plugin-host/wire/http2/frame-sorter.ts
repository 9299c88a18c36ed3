import type { Buffer } from 'node:buffer'
import { CODE, ConnectionError, FLAG, FRAME } from './frame.ts'
import { HeaderReader } from './header-reader.ts'
import type { Fields } from './hpack-decoder.ts'
import { settingsIn, unpadded, wordIn } from './payloads.ts'

/** Who takes frames by what they mean. What it throws passes through. */
export interface FrameTaker {
  /** @param bytes - What it takes of windows, padding included. */
  onData(id: number, data: Buffer, bytes: number, isEnd: boolean): void
  onHeaders(id: number, fields: Fields, isEnd: boolean): void
  onReset(id: number, code: number): void
  onSettings(settings: readonly (readonly [name: number, value: number])[]): void
  onPing(payload: Buffer): void
  onGoAway(lastId: number, code: number): void
  /** @param id - 0 for the connection. */
  onWindow(id: number, bytes: number): void
}

/** Frames without use that a peer may send in a row: pings, settings, resets and the like. */
const MAX_IDLE_FRAMES = 10_000
/** Frames of settings in the life of a connection: each can change the windows of all streams. Real peers send a few. */
const MAX_SETTINGS_FRAMES = 1_000

/** Checks frames for themselves, and hands them on by what they mean. */
export class FrameSorter {
  readonly #taker: FrameTaker
  readonly #headers: HeaderReader
  #settingsFrames = 0
  #idleFrames = 0

  constructor(taker: FrameTaker, maxHeaderList: number) {
    this.#taker = taker
    this.#headers = new HeaderReader(maxHeaderList)
  }

  /** There was something of use: the count of what is of none begins anew. */
  onProgress(): void {
    this.#idleFrames = 0
  }

  /** There was something of no use. @throws {ConnectionError} once more than the peer may send. */
  onIdleFrame(): void {
    this.#idleFrames += 1
    if (this.#idleFrames > MAX_IDLE_FRAMES) throw new ConnectionError(CODE.calm, 'the peer sends nothing of use')
  }

  /** @throws {ConnectionError} the peer broke the rules, or keeps us busy for nothing. */
  push(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#settingsFrames === 0 && type !== FRAME.settings) throw protocol('settings have to come first')
    if (this.#headers.isOpen !== (type === FRAME.continuation)) throw protocol('a block of headers is torn')
    if (type === FRAME.data) this.#onData(flags, id, payload)
    else if (type === FRAME.headers || type === FRAME.continuation) this.#onHeaders(type, flags, id, payload)
    else {
      this.onIdleFrame()
      this.#onControl(type, flags, id, payload)
    }
  }

  #onData(flags: number, id: number, payload: Buffer): void {
    const isEnd = (flags & FLAG.endStream) !== 0
    if (payload.length === 0 && !isEnd) this.onIdleFrame()
    const data = (flags & FLAG.padded) === 0 ? payload : unpadded(payload)
    this.#taker.onData(id, data, payload.length, isEnd)
  }

  #onHeaders(type: number, flags: number, id: number, payload: Buffer): void {
    const block = this.#headers.push(type, flags, id, payload)
    if (block !== undefined) this.#taker.onHeaders(id, block.fields, block.isEnd)
  }

  #onControl(type: number, flags: number, id: number, payload: Buffer): void {
    const isAck = (flags & FLAG.ack) !== 0
    switch (type) {
      case FRAME.reset:
        this.#taker.onReset(id, wordIn(payload))
        break
      case FRAME.settings:
        if (id !== 0) throw protocol('settings are those of no stream')
        this.#onSettings(isAck, payload)
        break
      case FRAME.ping:
        if (id !== 0 || payload.length !== 8) throw protocol('a ping is malformed')
        if (!isAck) this.#taker.onPing(payload)
        break
      case FRAME.window:
        this.#onWindow(id, wordIn(payload) % 2 ** 31)
        break
      case FRAME.goAway:
        if (id !== 0 || payload.length < 8) throw protocol('a farewell is malformed')
        this.#taker.onGoAway(payload.readUInt32BE(0) % 2 ** 31, payload.readUInt32BE(4))
        break
      case FRAME.push:
        throw protocol('nobody asked for a push')
    }
  }

  #onWindow(id: number, bytes: number): void {
    if (bytes === 0) throw protocol('a window grows by nothing')
    this.#taker.onWindow(id, bytes)
  }

  #onSettings(isAck: boolean, payload: Buffer): void {
    this.#settingsFrames += 1
    if (isAck) return
    if (this.#settingsFrames > MAX_SETTINGS_FRAMES)
      throw new ConnectionError(CODE.calm, 'the peer changes its settings without end')
    this.#taker.onSettings(settingsIn(payload))
  }
}

function protocol(message: string): ConnectionError {
  return new ConnectionError(CODE.protocol, message)
}
