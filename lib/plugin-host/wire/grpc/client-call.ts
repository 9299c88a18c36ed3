import { Buffer } from 'node:buffer'
import type { Http2Connection } from '../http2/connection.ts'
import { CODE } from '../http2/frame.ts'
import { type Fields, fieldOf } from '../http2/hpack-decoder.ts'
import { headerBlock } from '../http2/hpack-encoder.ts'
import type { Http2Stream, StreamSink } from '../http2/stream.ts'
import { FrameReader } from './frames.ts'
import type { Budget } from './limits.ts'
import { GRPC_STATUS, GrpcStatusError, statusOfFields, statusOfReset } from './status.ts'
import { formatTimeout, LONGEST_TIMER_MS } from './timeout.ts'

/** What goes with a call. */
export interface CallOptions {
  /** Names in lower case. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Told to the peer, and held here. Above 0. Default: none. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Of a stream: what the peer sends is thrown away unread, for the price of its bytes. Default: false. */
  readonly drains?: boolean
}

/** Who takes what a call brings. `onEnd` comes once, last, and without error only for status OK. */
export interface CallSink {
  onMessage(bytes: Uint8Array): void
  onEnd(error: GrpcStatusError | undefined): void
}

/** What of a channel its calls need. */
export interface CallContext {
  readonly connection: Http2Connection
  readonly budget: Budget
  readonly maxReceiveBytes: number
  /** Why the connection ended; `undefined` while it stands. */
  reasonOfEnd(): GrpcStatusError | undefined
}

/** One call, from its headers to its status; whatever happens, it ends, and ends once. */
export class ClientCall implements StreamSink {
  readonly stream: Http2Stream
  readonly #context: CallContext
  readonly #sink: CallSink
  readonly #reader: FrameReader
  readonly #signal: AbortSignal | undefined
  readonly #drains: boolean
  #timer: NodeJS.Timeout | undefined
  #status: GrpcStatusError | 'ok' | undefined
  #hasHeaders = false
  /** Did the peer end its half without a status? Then the code of the reset is ours. */
  #isBare = false
  #isEnded = false

  /** @throws {GrpcStatusError} the call cannot even begin. */
  constructor(context: CallContext, path: string, options: CallOptions, sink: CallSink) {
    const { metadata, timeoutMs, signal, drains = false } = options
    if (signal?.aborted === true) throw new GrpcStatusError(GRPC_STATUS.cancelled, 'the call was cancelled')
    const reason = context.reasonOfEnd()
    if (reason !== undefined) throw unprocessed(reason)
    this.#context = context
    this.#sink = sink
    this.#reader = new FrameReader(context.maxReceiveBytes, context.budget)
    this.#signal = signal
    this.#drains = drains
    this.stream = context.connection.request(headersOf(path, metadata, timeoutMs), this)
    signal?.addEventListener('abort', this.#onAbort)
    if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) this.#timer = setTimeout(onDeadline, timeoutMs, this)
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  cancel(): void {
    this.#onAbort()
  }

  /** Its time is over. */
  expire(): void {
    this.#end(new GrpcStatusError(GRPC_STATUS.deadlineExceeded, 'the call took too long'))
  }

  onHeaders(fields: Fields): void {
    if (this.#isEnded) return
    this.#status ??= statusOfFields(fields)
    if (this.#hasHeaders) return
    this.#hasHeaders = true
    if (this.#status !== undefined) return
    const status = fieldOf(fields, ':status')
    if (status !== '200') this.#fail(GRPC_STATUS.unknown, `the peer answered with HTTP status ${shown(status)}`)
    else if (fieldOf(fields, 'content-type')?.startsWith('application/grpc') !== true)
      this.#fail(GRPC_STATUS.unknown, 'the peer does not answer with gRPC')
  }

  onData(chunk: Buffer): void {
    if (this.#isEnded || this.#drains) return
    try {
      this.#reader.push(chunk, this.#onMessage)
    } catch (error) {
      if (error instanceof GrpcStatusError) this.#end(error)
      else this.#fail(GRPC_STATUS.internal, 'the call failed')
    }
  }

  onEnd(): void {
    if (this.#isEnded) return
    if (this.#status !== undefined) this.#end(this.#status)
    else {
      this.#isBare = true
      this.stream.reset(CODE.cancel)
    }
  }

  /** A server may end a call before our half of it is closed; what it said until then counts. */
  onClose(resetCode: number): void {
    if (this.#isEnded) return
    const code = this.#isBare ? CODE.none : resetCode
    const status =
      this.#status ??
      this.#context.reasonOfEnd() ??
      new GrpcStatusError(statusOfReset(code), `the call ended without a status (HTTP/2 code ${code})`)
    // Without a number it was never sent; what a peer that leaves refuses, it has not looked at.
    const isUntouched = this.stream.id === 0 || (code === CODE.refused && this.#context.connection.isLeft)
    this.#end(status !== 'ok' && isUntouched ? unprocessed(status) : status)
  }

  readonly #onMessage = (bytes: Uint8Array): void => this.#sink.onMessage(bytes)

  readonly #onAbort = (): void => this.#fail(GRPC_STATUS.cancelled, 'the call was cancelled')

  #fail(code: number, message: string): void {
    this.#end(new GrpcStatusError(code, message))
  }

  #end(status: GrpcStatusError | 'ok'): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const isCut = status === 'ok' && !this.#reader.isAtBoundary
    this.#reader.close()
    this.stream.finish(this.#status === undefined ? CODE.cancel : CODE.none)
    if (isCut) this.#sink.onEnd(new GrpcStatusError(GRPC_STATUS.internal, 'the call ended within a message'))
    else this.#sink.onEnd(status === 'ok' ? undefined : status)
  }
}

function unprocessed({ code, message }: GrpcStatusError): GrpcStatusError {
  return new GrpcStatusError(code, message, { isUnprocessed: true })
}

/** One function for the timers of all calls. */
function onDeadline(call: ClientCall): void {
  call.expire()
}

function shown(status: string | undefined): string {
  return status !== undefined && /^\d{3}$/.test(status) ? status : 'that is none'
}

/** Blocks of calls that differ in nothing but their time: by metadata, by path. One mount has one object of metadata. */
const BLOCKS = new WeakMap<object, Map<string, Buffer>>()
const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({})

function headersOf(path: string, metadata = NO_METADATA, timeoutMs: number | undefined): Uint8Array {
  let blocks = BLOCKS.get(metadata)
  if (blocks === undefined) {
    blocks = new Map()
    BLOCKS.set(metadata, blocks)
  }
  let block = blocks.get(path)
  if (block === undefined) {
    const fixed = { ':method': 'POST', ':scheme': 'http', ':path': path, ':authority': 'localhost', te: 'trailers' }
    block = headerBlock({ ...fixed, 'content-type': 'application/grpc', ...metadata })
    blocks.set(path, block)
  }
  if (timeoutMs === undefined || timeoutMs === Infinity) return block
  return Buffer.concat([block, timeoutBlock(formatTimeout(timeoutMs))])
}

/** The last one made: limits are few, and come again and again. */
let lastTimeout: { readonly text: string; readonly block: Buffer } | undefined

function timeoutBlock(text: string): Buffer {
  if (lastTimeout?.text !== text) lastTimeout = { text, block: headerBlock({ 'grpc-timeout': text }) }
  return lastTimeout.block
}
