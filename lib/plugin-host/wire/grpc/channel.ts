import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { type CallContext, type CallOptions, ClientCall } from './client-call.ts'
import { type GrpcAddress, type MutualTls, type OpenSession, openSession } from './connect.ts'
import { decodeMessage, encodeFrame } from './frames.ts'
import { Budget, DEFAULT_GRPC_LIMITS, type GrpcLimits } from './limits.ts'
import { drained, Messages } from './messages.ts'
import type { Codec, Duplex, ServerStream, Unary } from './method.ts'
import { watchFlood } from './pings.ts'
import { GRPC_STATUS, GrpcStatusError } from './status.ts'

export interface ChannelOptions {
  /** Default: plain text. */
  readonly tls?: MutualTls
  readonly limits?: Pick<GrpcLimits, 'maxReceiveBytes' | 'maxSendBytes' | 'maxHeldBytes'>
  /** Until socket and TLS are up. Default: 5,000. */
  readonly connectTimeoutMs?: number
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
 * One connection to a gRPC server; it is never made anew, and sends no pings.
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
  /** Resolves when the connection has ended, by whichever side. */
  readonly closed: Promise<void>
}

/** Connects to `address`. @throws {GrpcStatusError} UNAVAILABLE: nobody listens, or the certificates do not match. */
export async function openChannel(address: GrpcAddress, options: ChannelOptions = {}): Promise<Channel> {
  const limits = { ...DEFAULT_GRPC_LIMITS, ...options.limits }
  const open = await openSession(address, options.tls, options.connectTimeoutMs ?? 5_000, limits)
  return new SessionChannel(open, limits)
}

class SessionChannel implements Channel {
  readonly closed: Promise<void>
  readonly #session: ClientHttp2Session
  readonly #socket: Socket
  readonly #maxSendBytes: number
  readonly #context: CallContext
  #reason: GrpcStatusError | undefined

  constructor({ session, socket }: OpenSession, limits: Required<GrpcLimits>) {
    this.#session = session
    this.#socket = socket
    this.#maxSendBytes = limits.maxSendBytes
    const flood = watchFlood(session)
    this.#context = {
      session,
      budget: new Budget(limits.maxHeldBytes),
      maxReceiveBytes: limits.maxReceiveBytes,
      reasonOfEnd: () => (session.closed || session.destroyed ? (this.#reason ?? connectionEnded()) : this.#reason),
      onProgress: flood.onProgress,
    }
    session.on('error', (cause) => {
      this.#reason ??= connectionEnded(cause)
    })
    session.on('goaway', (code) => {
      this.#reason ??= new GrpcStatusError(GRPC_STATUS.unavailable, `the peer goes away (HTTP/2 code ${code})`)
    })
    // A session whose TLS failed (certificate refused) never says that it has closed; its socket always does.
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
  }

  unary<Request, Reply>(method: Unary<Request, Reply>, message: Request, options: CallOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const frame = encodeFrame(method.request, message, this.#maxSendBytes)
      let reply: Reply | undefined
      const call = new ClientCall(this.#context, method.path, options, {
        onMessage: (bytes) => {
          if (reply !== undefined) throw new GrpcStatusError(GRPC_STATUS.internal, 'the peer sent two answers')
          reply = decodeMessage(method.reply, bytes)
        },
        onEnd: (error) => {
          if (error !== undefined) reject(error)
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
    const frame = encodeFrame(method.request, message, this.#maxSendBytes)
    const { call, messages } = this.#streaming(method.path, method.reply, options)
    call.stream.end(frame)
    return messages
  }

  duplex<Request, Reply>(method: Duplex<Request, Reply>, options: CallOptions = {}): DuplexCall<Request, Reply> {
    const { call, messages } = this.#streaming(method.path, method.reply, options)
    return {
      messages,
      send: async (message) => {
        const frame = encodeFrame(method.request, message, this.#maxSendBytes)
        if (call.isEnded || !call.stream.writable)
          throw new GrpcStatusError(GRPC_STATUS.unavailable, 'the call has ended')
        if (!call.stream.write(frame)) await drained(call.stream)
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
    const messages: Messages<Reply> = new Messages<Reply>({
      pause: () => call.stream.pause(),
      resume: () => call.stream.resume(),
      cancel: () => call.cancel(),
    })
    const call: ClientCall = new ClientCall(this.#context, path, options, {
      onMessage: (bytes) => messages.push(decodeMessage(codec, bytes)),
      onEnd: (error) => messages.end(error),
    })
    return { call, messages }
  }

  async close(): Promise<void> {
    this.#reason ??= new GrpcStatusError(GRPC_STATUS.unavailable, 'the connection was closed')
    this.#session.destroy()
    this.#socket.destroy()
    await this.closed
  }
}

function connectionEnded(cause?: unknown): GrpcStatusError {
  return new GrpcStatusError(GRPC_STATUS.unavailable, 'the connection ended', { cause })
}
