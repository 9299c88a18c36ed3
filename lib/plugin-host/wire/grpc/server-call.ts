import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { decodeMessage, encodeFrame, FrameReader } from './frames.ts'
import type { Budget } from './limits.ts'
import { drained, Messages } from './messages.ts'
import type { Method } from './method.ts'
import { asStatus, GRPC_STATUS, GrpcStatusError, headersOf } from './status.ts'
import { LONGEST_TIMER_MS, parseTimeout } from './timeout.ts'

/** What a handler knows of its call besides the message. */
export interface ServerCall {
  /** Aborted when the caller gives up, its deadline passes, its connection ends or the server closes. */
  readonly signal: AbortSignal
  /** By name in lower case; untrusted. */
  metadata(name: string): string | undefined
}

/** Answers calls of one method; what it throws becomes the status, words only of a {@link GrpcStatusError}. */
export type Handler<M> =
  M extends Method<infer Request, infer Reply, infer Kind>
    ? Kind extends 'unary'
      ? (message: Request, call: ServerCall) => Reply | Promise<Reply>
      : Kind extends 'server-stream'
        ? (message: Request, call: ServerCall) => AsyncIterable<Reply>
        : (messages: AsyncIterable<Request>, call: ServerCall) => AsyncIterable<Reply>
    : never

/** A method and who answers it, types erased: the table of a server has all kinds. */
export type Route =
  | { readonly method: Method<unknown, unknown, 'unary'>; readonly handler: Handler<Method<unknown, unknown, 'unary'>> }
  | {
      readonly method: Method<unknown, unknown, 'server-stream'>
      readonly handler: Handler<Method<unknown, unknown, 'server-stream'>>
    }
  | {
      readonly method: Method<unknown, unknown, 'duplex'>
      readonly handler: Handler<Method<unknown, unknown, 'duplex'>>
    }

/** What of its server and connection a call needs. */
export interface ServerContext {
  readonly budget: Budget
  readonly maxReceiveBytes: number
  readonly maxSendBytes: number
  onProgress(): void
}

const OK_TRAILERS = { 'grpc-status': '0' }
const NO_ERROR = 0

/** One call that came in: reads its messages, runs its handler, sends what that gives, and always a status. */
export class IncomingCall implements ServerCall {
  readonly #stream: ServerHttp2Stream
  readonly #headers: IncomingHttpHeaders
  readonly #context: ServerContext
  readonly #reader: FrameReader
  #abort: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  #sentBytes = 0
  /** Has its status, or nobody who would take it. */
  #isEnded = false

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, context: ServerContext) {
    this.#stream = stream
    this.#headers = headers
    this.#context = context
    this.#reader = new FrameReader(context.maxReceiveBytes, context.budget)
    stream.on('error', () => {})
    stream.on('close', () => this.#onClose())
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#isEnded) this.#abort.abort()
    return this.#abort.signal
  }

  metadata(name: string): string | undefined {
    const value = this.#headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** Ends the call with a status: before it was answered, as the answer. */
  fail(error: GrpcStatusError): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#settle()
    if (this.#stream.destroyed || this.#stream.closed) return
    if (this.#stream.headersSent) {
      this.#endWith(headersOf(error))
    } else {
      const headers = { ':status': 200, 'content-type': 'application/grpc', ...headersOf(error) }
      this.#stream.respond(headers, { endStream: true })
    }
    // What the caller still sends is not read.
    if (!this.#stream.readableEnded) this.#stream.close(NO_ERROR)
  }

  run(route: Route): void {
    const timeoutMs = parseTimeout(this.#headers['grpc-timeout'])
    if (Number.isNaN(timeoutMs)) {
      this.fail(new GrpcStatusError(GRPC_STATUS.internal, 'grpc-timeout is malformed'))
      return
    }
    if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) {
      const late = (): void => this.fail(new GrpcStatusError(GRPC_STATUS.deadlineExceeded, 'the call took too long'))
      this.#timer = setTimeout(late, timeoutMs)
    }
    if (route.method.kind === 'duplex') this.#runDuplex(route as Route & { method: { kind: 'duplex' } })
    else this.#runSingle(route as Exclude<Route, { method: { kind: 'duplex' } }>)
  }

  #runSingle(route: Exclude<Route, { readonly method: { readonly kind: 'duplex' } }>): void {
    let message: { readonly value: unknown } | undefined
    this.#read((bytes) => {
      if (message !== undefined) throw new GrpcStatusError(GRPC_STATUS.internal, 'one message was expected, two came')
      message = { value: decodeMessage(route.method.request, bytes) }
    })
    this.#stream.on('end', () => {
      if (this.#isEnded) return
      if (message !== undefined && this.#reader.isAtBoundary) this.#answer(route, message.value)
      else this.fail(new GrpcStatusError(GRPC_STATUS.internal, 'the message did not come whole'))
    })
  }

  #answer(route: Exclude<Route, { readonly method: { readonly kind: 'duplex' } }>, message: unknown): void {
    try {
      const given = route.handler(message, this)
      if (route.method.kind === 'server-stream') void this.#pipe(route.method, given as AsyncIterable<unknown>)
      else if (given instanceof Promise) given.then((reply) => this.#reply(route.method, reply), this.#failed)
      else this.#reply(route.method, given)
    } catch (error) {
      this.#failed(error)
    }
  }

  readonly #failed = (error: unknown): void => this.fail(asStatus(error))

  #reply(method: Method<unknown, unknown>, reply: unknown): void {
    if (this.#isEnded) return
    try {
      const frame = this.#frame(method, reply)
      this.#isEnded = true
      this.#settle()
      this.#open()
      this.#stream.end(frame)
    } catch (error) {
      this.#isEnded = false
      this.#failed(error)
    }
  }

  #runDuplex({ method, handler }: Route & { readonly method: { readonly kind: 'duplex' } }): void {
    const messages = new Messages<unknown>({
      pause: () => this.#stream.pause(),
      resume: () => this.#stream.resume(),
      // A handler may stop listening and go on answering.
      cancel: () => this.#stream.resume(),
    })
    this.#read((bytes) => messages.push(decodeMessage(method.request, bytes)))
    this.#stream.on('end', () => messages.end(undefined))
    this.#stream.on('close', () => messages.end(new GrpcStatusError(GRPC_STATUS.cancelled, 'the call has ended')))
    try {
      const handle = handler as Handler<Method<unknown, unknown, 'duplex'>>
      void this.#pipe(method, handle(messages, this))
    } catch (error) {
      this.#failed(error)
    }
  }

  async #pipe(method: Method<unknown, unknown>, replies: AsyncIterable<unknown>): Promise<void> {
    try {
      this.#open()
      for await (const reply of replies) {
        if (this.#isEnded) return
        const frame = this.#frame(method, reply)
        const hasRoom = this.#stream.write(frame)
        if (!hasRoom) await drained(this.#stream)
        this.#sent()
      }
      if (this.#isEnded) return
      this.#isEnded = true
      this.#settle()
      this.#endWith(OK_TRAILERS)
    } catch (error) {
      this.#failed(error)
    }
  }

  #read(onMessage: (bytes: Uint8Array) => void): void {
    this.#stream.on('data', (chunk: Buffer) => {
      if (this.#isEnded) return
      this.#context.onProgress()
      try {
        this.#reader.push(chunk, onMessage)
      } catch (error) {
        this.#failed(error)
      }
    })
  }

  /** Counts what the peer has yet to take: one that never reads must not fill our memory. */
  #frame(method: Method<unknown, unknown>, reply: unknown): Uint8Array {
    const frame = encodeFrame(method.reply, reply, this.#context.maxSendBytes)
    this.#context.budget.take(frame.byteLength)
    this.#sentBytes += frame.byteLength
    return frame
  }

  #sent(): void {
    this.#context.budget.give(this.#sentBytes)
    this.#sentBytes = 0
  }

  #open(): void {
    if (this.#stream.headersSent || this.#stream.destroyed) return
    this.#stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    this.#stream.once('wantTrailers', () => this.#stream.sendTrailers(this.#trailers))
  }

  #trailers: Record<string, string> = OK_TRAILERS

  #endWith(trailers: Record<string, string>): void {
    this.#trailers = trailers
    if (!this.#stream.destroyed) this.#stream.end()
  }

  #settle(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#reader.close()
    this.#abort?.abort()
  }

  #onClose(): void {
    this.#sent()
    if (this.#isEnded) return
    this.#isEnded = true
    this.#settle()
  }
}
