import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import {
  CODE,
  ConnectionError,
  FIRST_WINDOW,
  FLAG,
  FRAME,
  MAX_FRAME_BYTES,
  MAX_STREAM_ID,
  MAX_WINDOW,
  PREFACE,
  SETTING,
} from './frame.ts'
import { FrameParser } from './frame-parser.ts'
import { FrameSorter, type FrameTaker } from './frame-sorter.ts'
import type { Fields } from './hpack-decoder.ts'
import { Output } from './output.ts'
import { settingsOf, wordOf } from './payloads.ts'
import { Preface } from './preface.ts'
import { Http2Stream, STREAM_WINDOW, type StreamHost, type StreamSink } from './stream.ts'
import { StreamTable } from './stream-table.ts'

/** Which end of a connection this is. */
export type Role =
  | { readonly kind: 'client' }
  | {
      readonly kind: 'server'
      /** Streams at once. */
      readonly maxStreams: number
      /** Gives who takes what a new stream brings; its `onHeaders` has the fields next. */
      onStream(stream: Http2Stream): StreamSink
    }

/** Room that the peer has on the whole connection: what is not read of one stream must not stop the others. */
const CONNECTION_WINDOW = 1_048_576
/** Bytes that the socket has yet to send before data waits; the rest of the protocol does not wait. */
const MAX_BACKLOG = 262_144
/** With so many it is not the peer's reader that is slow: it asks and asks, and reads nothing. */
const FATAL_BACKLOG = 8_388_608
/** What is asked of a server is short; an answer's trailers can bring long words. */
const MAX_HEADER_LIST = { client: 65_536, server: 16_384 } as const
const NO_ONE: StreamSink = { onHeaders() {}, onData() {}, onEnd() {}, onClose() {} }

/**
 * One HTTP/2 connection (RFC 9113), as far as gRPC needs it: no push, no priorities, no upgrade.
 *
 * Everything of the peer is bounded: frames, header fields, open streams, room of each stream, frames without use, and
 * what waits to be sent to it. Who breaks the rules loses the connection.
 */
export class Http2Connection implements StreamHost, FrameTaker {
  readonly output: Output
  sendWindow: number = FIRST_WINDOW
  /** Resolves when the socket is gone. */
  readonly closed: Promise<void>
  /** Resolves once the peer has shown that it speaks the protocol, with `false` where the connection ends before. */
  readonly ready: Promise<boolean>
  /** Why it ended or takes no new streams; set before streams hear of it. */
  reason: string | undefined
  /** Is called when the peer asks to leave, before streams that it has not looked at hear of it. */
  onLeave: () => void = () => {}
  readonly #socket: Socket
  readonly #role: Role
  readonly #maxStreamId: number
  readonly #sorter: FrameSorter
  readonly #parser = new FrameParser((type, flags, id, payload) => {
    if (!this.#isGone) this.#sorter.push(type, flags, id, payload)
  })
  readonly #streams = new StreamTable()
  #peerWindow = FIRST_WINDOW
  #nextId = 1
  #lastPeerId = 0
  #toTell = 0
  readonly #preface: Preface | undefined
  #isLeft = false
  #onReady: (isReady: boolean) => void = () => {}
  #isClosing = false
  #isGone = false

  /** @param maxStreamId - Highest number of a stream; lower than what there is for tests alone. */
  constructor(socket: Socket, role: Role, maxStreamId: number = MAX_STREAM_ID) {
    this.#socket = socket
    this.#role = role
    this.#maxStreamId = maxStreamId
    this.#sorter = new FrameSorter(this, MAX_HEADER_LIST[role.kind])
    this.output = new Output(socket)
    this.ready = new Promise((resolve) => {
      this.#onReady = resolve
    })
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.#onClose())))
    socket.on('error', () => {})
    socket.on('drain', () => this.#unblock())
    socket.on('data', (chunk: Buffer) => this.#onBytes(chunk))
    socket.on('end', () => this.destroy('the peer ended the connection'))
    this.#preface = role.kind === 'server' ? new Preface() : undefined
    if (role.kind === 'client') this.output.bytes(Buffer.from(PREFACE))
    this.#sendSettings()
  }

  /** May no stream begin any more? */
  get isClosing(): boolean {
    return this.#isClosing || this.#isGone
  }

  /** Has the peer said, in peace, that it takes no new streams? Those under way end. */
  get isLeft(): boolean {
    return this.#isLeft
  }

  get isBackedUp(): boolean {
    return this.output.backlog > MAX_BACKLOG
  }

  /** Numbers that streams can still have. */
  get streamsLeft(): number {
    return Math.max(0, (this.#maxStreamId - this.#nextId) / 2 + 1 - this.#streams.waiting)
  }

  /** Begins a stream; its data follows by {@link Http2Stream.write} and `end`. Not when {@link isClosing}. */
  request(block: Uint8Array, sink: StreamSink): Http2Stream {
    const stream = new Http2Stream(this, sink)
    stream.block = block
    this.open(stream)
    return stream
  }

  /** Takes no new streams, and ends with the last of those that there are. */
  close(): void {
    if (this.isClosing) return
    this.#isClosing = true
    if (this.#role.kind === 'server') this.#goAway(CODE.none)
    this.#endIfIdle()
  }

  /** Ends it at once, with all streams. */
  destroy(reason: string, code: number = CODE.none): void {
    this.reason ??= reason
    if (!this.#isGone && code !== CODE.none) this.#goAway(code)
    this.output.flush()
    this.#socket.destroy()
    this.#onClose()
  }

  open(stream: Http2Stream): void {
    const { block } = stream
    if (block === undefined) return
    if (this.#streams.isFull) {
      this.#streams.wait(stream)
      return
    }
    stream.block = undefined
    stream.id = this.#nextId
    this.#nextId += 2
    stream.sendWindow = this.#peerWindow
    this.#streams.add(stream)
    this.sendHeaders(stream.id, block, false)
    stream.pump()
  }

  sendHeaders(id: number, block: Uint8Array, isEnd: boolean): void {
    const endStream = isEnd ? FLAG.endStream : 0
    if (block.length <= MAX_FRAME_BYTES) {
      this.output.frame(FRAME.headers, endStream | FLAG.endHeaders, id, block)
      return
    }
    for (let at = 0; at < block.length; at += MAX_FRAME_BYTES) {
      const endHeaders = at + MAX_FRAME_BYTES >= block.length ? FLAG.endHeaders : 0
      const [type, flags] = at === 0 ? [FRAME.headers, endStream] : [FRAME.continuation, 0]
      this.output.frame(type, flags | endHeaders, id, block.subarray(at, at + MAX_FRAME_BYTES))
    }
  }

  block(stream: Http2Stream): void {
    this.#streams.block(stream)
  }

  forget(stream: Http2Stream): void {
    this.#streams.remove(stream)
    this.#openWaiting()
    this.#endIfIdle()
  }

  #openWaiting(): void {
    while (this.#streams.waiting > 0 && !this.#streams.isFull && !this.#isGone && !this.#isLeft) {
      const next = this.#streams.takeWaiting()
      if (next !== undefined) this.open(next)
    }
  }

  #endIfIdle(): void {
    if (!this.#isClosing || this.#isGone || !this.#streams.isEmpty) return
    this.output.flush()
    // A server leaves it to the client to go: an early end could cost that what it has not read yet.
    if (this.#role.kind === 'server') this.#socket.end()
    else this.#socket.destroySoon()
  }

  #sendSettings(): void {
    const own: Readonly<Record<number, number>> =
      this.#role.kind === 'server' ? { [SETTING.maxStreams]: this.#role.maxStreams } : { [SETTING.enablePush]: 0 }
    const settings = {
      ...own,
      [SETTING.initialWindow]: STREAM_WINDOW,
      [SETTING.maxHeaderList]: MAX_HEADER_LIST[this.#role.kind],
    }
    this.output.frame(FRAME.settings, 0, 0, settingsOf(settings))
    this.output.frame(FRAME.window, 0, 0, wordOf(CONNECTION_WINDOW - FIRST_WINDOW))
  }

  #goAway(code: number): void {
    this.output.frame(FRAME.goAway, 0, 0, Buffer.concat([wordOf(this.#lastPeerId), wordOf(code)]))
  }

  #onBytes(chunk: Buffer): void {
    if (this.#isGone) return
    try {
      const rest = this.#preface === undefined ? chunk : this.#preface.strip(chunk)
      if (rest !== undefined) this.#parser.push(rest)
      if (this.output.backlog > FATAL_BACKLOG) throw new ConnectionError(CODE.calm, 'the peer reads nothing')
    } catch (error) {
      const code = error instanceof ConnectionError ? error.code : CODE.internal
      this.destroy(error instanceof ConnectionError ? error.message : 'the connection failed', code)
    }
  }

  onData(id: number, data: Buffer, bytes: number, isEnd: boolean): void {
    const stream = this.#streamOf(id)
    this.#toTell += bytes
    if (this.#toTell >= CONNECTION_WINDOW / 2) {
      this.output.frame(FRAME.window, 0, 0, wordOf(this.#toTell))
      this.#toTell = 0
    }
    if (stream === undefined) return
    if (bytes > 0 || isEnd) this.#sorter.onProgress()
    stream.receiveData(data, bytes, isEnd)
  }

  onHeaders(id: number, fields: Fields, isEnd: boolean): void {
    if (this.#role.kind === 'server' && id > this.#lastPeerId) {
      this.#onNewStream(this.#role, id, fields, isEnd)
      return
    }
    const stream = this.#streamOf(id)
    const isInterim = this.#role.kind === 'client' && fields[0] === ':status' && fields[1]?.startsWith('1') === true
    if (this.#role.kind === 'server' && !isEnd) stream?.reset(CODE.protocol)
    else if (isEnd || !isInterim) stream?.receiveHeaders(fields, isEnd)
    else this.#sorter.onIdleFrame()
  }

  #onNewStream(role: Role & { readonly kind: 'server' }, id: number, fields: Fields, isEnd: boolean): void {
    if (id % 2 === 0) throw protocol("a number of a stream is not the peer's to give")
    // It was told, and sends it elsewhere.
    if (this.#isClosing) return
    this.#lastPeerId = id
    const stream = new Http2Stream(this, NO_ONE)
    stream.id = id
    stream.sendWindow = this.#peerWindow
    if (this.#streams.size >= role.maxStreams) {
      this.#sorter.onIdleFrame()
      stream.reset(CODE.refused)
      return
    }
    this.#streams.add(stream)
    stream.sink = role.onStream(stream)
    stream.receiveHeaders(fields, isEnd)
  }

  /** `undefined` for one that has ended. @throws {ConnectionError} for one that there never was. */
  #streamOf(id: number): Http2Stream | undefined {
    const stream = this.#streams.get(id)
    const isKnown = this.#role.kind === 'server' ? id <= this.#lastPeerId : id % 2 === 1 && id < this.#nextId
    if (stream === undefined && (!isKnown || id === 0) && !(this.#isClosing && id !== 0))
      throw protocol('a stream is named that there is not')
    return stream
  }

  onReset(id: number, code: number): void {
    this.#streamOf(id)?.close(code)
  }

  onPing(payload: Buffer): void {
    this.output.frame(FRAME.ping, FLAG.ack, 0, payload)
  }

  onSettings(settings: readonly (readonly [name: number, value: number])[]): void {
    let window = this.#peerWindow
    for (const [name, value] of settings) {
      if (name === SETTING.initialWindow) window = checkedWindow(value)
      if (name === SETTING.maxStreams) this.#streams.maxOpen = value
    }
    // Once for all that one frame says of it: it goes through all streams.
    if (window !== this.#peerWindow) this.#setWindow(window)
    this.#openWaiting()
    this.output.head(0, FRAME.settings, FLAG.ack, 0)
    this.#onReady(true)
  }

  #setWindow(bytes: number): void {
    const change = bytes - this.#peerWindow
    this.#peerWindow = bytes
    for (const stream of this.#streams.all()) stream.widen(change)
  }

  onWindow(id: number, bytes: number): void {
    if (id !== 0) {
      this.#streamOf(id)?.widen(bytes)
      return
    }
    this.sendWindow = checkedWindow(this.sendWindow + bytes)
    this.#unblock()
  }

  onGoAway(lastId: number, code: number): void {
    this.reason ??= `the peer goes away (HTTP/2 code ${code})`
    if (code !== CODE.none) {
      this.destroy(this.reason)
      return
    }
    this.#isClosing = true
    this.#isLeft = true
    this.onLeave()
    for (const stream of this.#streams.all())
      if (stream.id === 0 || (this.#role.kind === 'client' && stream.id > lastId)) stream.close(CODE.refused)
    this.#endIfIdle()
  }

  #unblock(): void {
    if (this.#streams.unblock()) this.#sorter.onProgress()
  }

  #onClose(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.reason ??= 'the connection ended'
    this.#onReady(false)
    for (const stream of this.#streams.all()) stream.close(CODE.cancel)
  }
}

function checkedWindow(bytes: number): number {
  if (bytes > MAX_WINDOW) throw new ConnectionError(CODE.flowControl, 'a window is too large')
  return bytes
}

function protocol(message: string): ConnectionError {
  return new ConnectionError(CODE.protocol, message)
}
