import type { Http2Connection } from '../http2/connection.ts'
import { type CallContext, type CallOptions, ClientCall } from './client-call.ts'
import { type GrpcAddress, type MutualTls, openConnection } from './connect.ts'
import { decodeMessage, encodeFrame } from './frames.ts'
import { Budget, DEFAULT_GRPC_LIMITS, type GrpcLimits } from './limits.ts'
import { Messages } from './messages.ts'
import type { Codec, Duplex, ServerStream, Unary } from './method.ts'
import { Renewal } from './renewal.ts'
import { GRPC_STATUS, GrpcStatusError } from './status.ts'

export interface ChannelOptions {
  /** Default: plain text. */
  readonly tls?: MutualTls
  readonly limits?: Pick<GrpcLimits, 'maxReceiveBytes' | 'maxSendBytes' | 'maxHeldBytes'>
  /** Until socket and TLS are up. Default: 5,000. */
  readonly connectTimeoutMs?: number
  /**
   * Does another connection take the place of one that the peer asks to leave (GOAWAY without error)? Calls under way end on
   * theirs, those that the peer has not looked at are sent again, once. Default: no; the channel ends with the connection.
   */
  readonly reconnects?: boolean
  /** Highest number of a call on one connection. For tests. Default: what the protocol has, 2^31 - 1. */
  readonly maxStreamId?: number
}

/** A call on which both ends send as they like. */
export interface DuplexCall<Request, Reply> {
  /** In the order they came; ends with the call, and throws {@link GrpcStatusError} where that ends badly. */
  readonly messages: AsyncIterable<Reply>
  /** Resolves once there is room for more. @throws {GrpcStatusError} the call has ended. */
  send(message: Request): Promise<void>
  /** No more will be sent. */
  end(): void
  /** Ends the call both ways. */
  cancel(): void
}

/**
 * One connection to a gRPC server, which sends no pings. It is never made anew where it broke, but numbers of calls run
 * out after 2^30 of them, which takes days: before that, another one takes its place, and those under way end on theirs.
 * So it does where the peer asks to leave, if it is asked to ({@link ChannelOptions.reconnects}).
 *
 * Every call ends, at the latest with the connection: what is pending then fails with UNAVAILABLE.
 */
export interface Channel {
  /** @throws {GrpcStatusError} */
  unary<Request, Reply>(method: Unary<Request, Reply>, message: Request, options?: CallOptions): Promise<Reply>
  serverStream<Request, Reply>(
    method: ServerStream<Request, Reply>,
    message: Request,
    options?: CallOptions,
  ): AsyncIterable<Reply>
  duplex<Request, Reply>(method: Duplex<Request, Reply>, options?: CallOptions): DuplexCall<Request, Reply>
  /** Ends the connection at once, and what is in flight on it. Idempotent. */
  close(): Promise<void>
  /** Resolves when no call can be made any more, whichever side ended that. */
  readonly closed: Promise<void>
}

/** Connects to `address`. @throws {GrpcStatusError} UNAVAILABLE: nobody listens, or the certificates do not match. */
export async function openChannel(address: GrpcAddress, options: ChannelOptions = {}): Promise<Channel> {
  const limits = { ...DEFAULT_GRPC_LIMITS, ...options.limits }
  const connect = (): Promise<Http2Connection> =>
    openConnection(address, options.tls, options.connectTimeoutMs ?? 5_000, options.maxStreamId)
  return new RenewedChannel(new Renewal(await connect(), connect, options.reconnects === true), limits)
}

class RenewedChannel implements Channel {
  readonly closed: Promise<void>
  readonly #renewal: Renewal
  readonly #limits: Required<GrpcLimits>
  readonly #budget: Budget
  #context: CallContext

  constructor(renewal: Renewal, limits: Required<GrpcLimits>) {
    this.#renewal = renewal
    this.#limits = limits
    this.#budget = new Budget(limits.maxHeldBytes)
    this.#context = this.#contextOf(renewal.current)
    this.closed = renewal.ended
  }

  unary<Request, Reply>(method: Unary<Request, Reply>, message: Request, options: CallOptions = {}): Promise<Reply> {
    return this.#whenReady(method, message, options, false)
  }

  #whenReady<Request, Reply>(
    method: Unary<Request, Reply>,
    message: Request,
    options: CallOptions,
    isAgain: boolean,
  ): Promise<Reply> {
    const renewed = this.#renewal.awaited()
    return renewed === undefined
      ? this.#unary(method, message, options, isAgain)
      : renewed.then(() => this.#unary(method, message, options, isAgain))
  }

  #unary<Request, Reply>(
    method: Unary<Request, Reply>,
    message: Request,
    options: CallOptions,
    isAgain: boolean,
  ): Promise<Reply> {
    const sentAtMs = performance.now()
    return new Promise((resolve, reject) => {
      const frame = encodeFrame(method.request, message, this.#limits.maxSendBytes)
      let reply: Reply | undefined
      const call = new ClientCall(this.#live(), method.path, options, {
        onMessage: (bytes) => {
          if (reply !== undefined) throw new GrpcStatusError(GRPC_STATUS.internal, 'the peer sent two answers')
          reply = decodeMessage(method.reply, bytes)
        },
        onEnd: (error) => {
          if (error?.isUnprocessed === true && !isAgain && this.#renewal.awaited() !== undefined)
            resolve(this.#whenReady(method, message, withLess(options, performance.now() - sentAtMs), true))
          else if (error !== undefined) reject(error)
          else if (reply === undefined) reject(new GrpcStatusError(GRPC_STATUS.internal, 'the peer sent no answer'))
          else resolve(reply)
        },
      })
      call.stream.end(frame)
    })
  }

  serverStream<Request, Reply>(
    method: ServerStream<Request, Reply>,
    message: Request,
    options: CallOptions = {},
  ): AsyncIterable<Reply> {
    const frame = encodeFrame(method.request, message, this.#limits.maxSendBytes)
    const { call, messages } = this.#streaming(method.path, method.reply, options)
    call.stream.end(frame)
    return messages
  }

  duplex<Request, Reply>(method: Duplex<Request, Reply>, options: CallOptions = {}): DuplexCall<Request, Reply> {
    const { call, messages } = this.#streaming(method.path, method.reply, options)
    return {
      messages,
      send: async (message) => {
        const frame = encodeFrame(method.request, message, this.#limits.maxSendBytes)
        if (call.isEnded || !call.stream.isWritable) throw unavailable('the call has ended')
        if (!call.stream.write(frame)) await call.stream.drained()
      },
      end: () => void call.stream.end(),
      cancel: () => call.cancel(),
    }
  }

  #streaming<Reply>(
    path: string,
    codec: Codec<Reply>,
    options: CallOptions,
  ): { readonly call: ClientCall; readonly messages: Messages<Reply> } {
    void this.#renewal.awaited()
    const messages: Messages<Reply> = new Messages<Reply>({
      pause: () => call.stream.pause(),
      resume: () => call.stream.resume(),
      cancel: () => call.cancel(),
    })
    const call: ClientCall = new ClientCall(this.#live(), path, options, {
      onMessage: (bytes) => messages.push(decodeMessage(codec, bytes)),
      onEnd: (error) => messages.end(error),
    })
    return { call, messages }
  }

  /** What a call that begins now needs. */
  #live(): CallContext {
    const { current } = this.#renewal
    if (this.#context.connection !== current) this.#context = this.#contextOf(current)
    return this.#context
  }

  #contextOf(connection: Http2Connection): CallContext {
    return {
      connection,
      budget: this.#budget,
      maxReceiveBytes: this.#limits.maxReceiveBytes,
      reasonOfEnd: () =>
        connection.isClosing || connection.streamsLeft < 1
          ? unavailable(connection.reason ?? 'the connection takes no more calls')
          : undefined,
    }
  }

  close(): Promise<void> {
    return this.#renewal.close()
  }
}

/** `options` for a second try, after `spentMs` of its time. */
function withLess(options: CallOptions, spentMs: number): CallOptions {
  const { timeoutMs } = options
  return timeoutMs === undefined ? options : { ...options, timeoutMs: Math.max(1, timeoutMs - spentMs) }
}

function unavailable(message: string): GrpcStatusError {
  return new GrpcStatusError(GRPC_STATUS.unavailable, message)
}
