import type { Buffer } from 'node:buffer'
import { CODE } from '../http2/frame.ts'
import { type Fields, fieldOf } from '../http2/hpack-decoder.ts'
import { headerBlock } from '../http2/hpack-encoder.ts'
import type { Http2Stream, StreamSink } from '../http2/stream.ts'
import { decodeMessage, encodeFrame, FrameReader } from './frames.ts'
import type { Budget, Workload } from './limits.ts'
import { Messages } from './messages.ts'
import type { Method } from './method.ts'
import { asStatus, GRPC_STATUS, GrpcStatusError, headersOf } from './status.ts'
import { LONGEST_TIMER_MS, parseTimeout } from './timeout.ts'

/** What a handler knows of its call besides the message. */
export interface ServerCall {
  /** Aborted when the caller gives up, its deadline passes, its connection ends or the server closes. */
  readonly signal: AbortSignal
  /** Resolves once its caller has the whole answer, or will never have it. */
  closed(): Promise<void>
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
  readonly workload: Workload
  readonly maxReceiveBytes: number
  readonly maxSendBytes: number
  /** Who answers `path`, if anyone does. */
  routeOf(path: string): Route | undefined
  /** A call that can last begins or ends. */
  onStreaming(call: IncomingCall, isRunning: boolean): void
}

/** Of a call that is asked with one message. */
type SingleRoute = Exclude<Route, { readonly method: { readonly kind: 'duplex' } }>

const HEAD = { ':status': '200', 'content-type': 'application/grpc' }
const HEAD_BLOCK = headerBlock(HEAD)
const OK_BLOCK = headerBlock({ 'grpc-status': '0' })

/** One call that came in: reads its messages, runs its handler, sends what that gives, and always a status. */
export class IncomingCall implements ServerCall, StreamSink {
  readonly #stream: Http2Stream
  readonly #context: ServerContext
  readonly #reader: FrameReader
  #fields: Fields = []
  #route: Route | undefined
  /** Of a call with one message: that, once it has come. */
  #message: { readonly value: unknown } | undefined
  /** Of a call with many. */
  #messages: Messages<unknown> | undefined
  #abort: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  #sentBytes = 0
  #closed: PromiseWithResolvers<void> | undefined
  /** Of a call with one message: what that takes, until its handler is done, whether or not the caller still waits. */
  #messageBytes = 0
  #isWorking = false
  #hasHead = false
  /** Has its status, or nobody who would take it. */
  #isEnded = false

  constructor(stream: Http2Stream, context: ServerContext) {
    this.#stream = stream
    this.#context = context
    this.#reader = new FrameReader(context.maxReceiveBytes, context.budget)
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#isEnded) this.#abort.abort()
    return this.#abort.signal
  }

  closed(): Promise<void> {
    if (this.#stream.isClosed) return Promise.resolve()
    this.#closed ??= Promise.withResolvers()
    return this.#closed.promise
  }

  metadata(name: string): string | undefined {
    const values = this.#fields.filter((_, at) => at % 2 === 1 && this.#fields[at - 1] === name)
    return values.length > 1 ? values.join(', ') : values[0]
  }

  /** Ends the call with a status: before it was answered, as the answer. */
  fail(error: GrpcStatusError): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#settle()
    this.#stream.cut(headerBlock(this.#hasHead ? headersOf(error) : { ...HEAD, ...headersOf(error) }))
    // What the caller still sends is not read.
    if (!this.#stream.isRemoteEnd) this.#stream.reset(CODE.none)
  }

  onHeaders(fields: Fields): void {
    // Trailers of a caller say nothing.
    if (this.#fields.length > 0 || this.#isEnded) return
    this.#fields = fields
    const isGrpc =
      fieldOf(fields, 'content-type')?.startsWith('application/grpc') === true && fieldOf(fields, ':method') === 'POST'
    const route = isGrpc ? this.#context.routeOf(fieldOf(fields, ':path') ?? '') : undefined
    if (route !== undefined) this.#begin(route)
    else
      this.fail(new GrpcStatusError(GRPC_STATUS.unimplemented, isGrpc ? 'no such method' : 'only gRPC is spoken here'))
  }

  onData(chunk: Buffer): void {
    if (this.#isEnded) return
    try {
      this.#reader.push(chunk, this.#onMessage)
    } catch (error) {
      this.#failed(error)
    }
  }

  onEnd(): void {
    this.#messages?.end(undefined)
    if (this.#isEnded || this.#route === undefined || this.#route.method.kind === 'duplex') return
    if (this.#message !== undefined && this.#reader.isAtBoundary)
      this.#answer(this.#route as SingleRoute, this.#message.value)
    else this.fail(new GrpcStatusError(GRPC_STATUS.internal, 'the message did not come whole'))
  }

  onClose(): void {
    this.#closed?.resolve()
    this.#messages?.end(new GrpcStatusError(GRPC_STATUS.cancelled, 'the call has ended'))
    this.#sent()
    if (this.#route !== undefined && this.#route.method.kind !== 'unary') this.#context.onStreaming(this, false)
    if (this.#isEnded) return
    this.#isEnded = true
    this.#settle()
  }

  /** Its time is over. */
  expire(): void {
    this.fail(new GrpcStatusError(GRPC_STATUS.deadlineExceeded, 'the call took too long'))
  }

  #begin(route: Route): void {
    this.#route = route
    const timeoutMs = parseTimeout(fieldOf(this.#fields, 'grpc-timeout'))
    if (Number.isNaN(timeoutMs)) {
      this.fail(new GrpcStatusError(GRPC_STATUS.internal, 'grpc-timeout is malformed'))
      return
    }
    if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) this.#timer = setTimeout(onDeadline, timeoutMs, this)
    if (route.method.kind === 'unary') return
    this.#context.onStreaming(this, true)
    if (route.method.kind === 'duplex') this.#runDuplex(route as Route & { method: { kind: 'duplex' } })
  }

  readonly #onMessage = (bytes: Uint8Array): void => {
    const { method } = this.#route as Route
    const value = decodeMessage(method.request, bytes)
    if (this.#messages !== undefined) {
      this.#messages.push(value)
      return
    }
    if (this.#message !== undefined)
      throw new GrpcStatusError(GRPC_STATUS.internal, 'one message was expected, two came')
    this.#context.budget.take(bytes.length)
    this.#messageBytes = bytes.length
    this.#message = { value }
  }

  #answer(route: SingleRoute, message: unknown): void {
    try {
      this.#context.workload.check()
      const given = route.handler(message, this)
      if (route.method.kind === 'server-stream') void this.#pipe(route.method, given as AsyncIterable<unknown>)
      else if (given instanceof Promise) this.#work(route.method, given)
      else this.#reply(route.method, given)
    } catch (error) {
      this.#failed(error)
    }
  }

  #work(method: Method<unknown, unknown>, given: Promise<unknown>): void {
    this.#isWorking = true
    this.#context.workload.begin()
    given.then(
      (reply) => {
        this.#worked()
        this.#reply(method, reply)
      },
      (error: unknown) => {
        this.#worked()
        this.#failed(error)
      },
    )
  }

  #worked(): void {
    this.#isWorking = false
    this.#context.workload.end()
    this.#release()
  }

  /** The message is needed no more. */
  #release(): void {
    this.#context.budget.give(this.#messageBytes)
    this.#messageBytes = 0
    this.#message = undefined
  }

  readonly #failed = (error: unknown): void => this.fail(asStatus(error))

  #reply(method: Method<unknown, unknown>, reply: unknown): void {
    if (this.#isEnded) return
    try {
      const frame = this.#frame(method, reply)
      this.#isEnded = true
      this.#settle()
      this.#open()
      this.#stream.end(frame, OK_BLOCK)
    } catch (error) {
      this.#failed(error)
    }
  }

  #runDuplex({ method, handler }: Route & { readonly method: { readonly kind: 'duplex' } }): void {
    this.#messages = new Messages<unknown>({
      pause: () => this.#stream.pause(),
      resume: () => this.#stream.resume(),
      // A handler may stop listening and go on answering.
      cancel: () => this.#stream.resume(),
    })
    try {
      const handle = handler as Handler<Method<unknown, unknown, 'duplex'>>
      void this.#pipe(method, handle(this.#messages, this))
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
        if (!this.#stream.write(frame)) await this.#stream.drained()
        this.#sent()
      }
      if (this.#isEnded) return
      this.#isEnded = true
      this.#settle()
      this.#stream.end(undefined, OK_BLOCK)
    } catch (error) {
      this.#failed(error)
    }
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
    if (this.#hasHead) return
    this.#hasHead = true
    this.#stream.headers(HEAD_BLOCK)
  }

  #settle(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#reader.close()
    this.#abort?.abort()
    if (!this.#isWorking) this.#release()
  }
}

/** One function for the timers of all calls. */
function onDeadline(call: IncomingCall): void {
  call.expire()
}
