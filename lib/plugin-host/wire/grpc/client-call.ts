import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import { FrameReader } from './frames.ts'
import type { Budget } from './limits.ts'
import { GRPC_STATUS, GrpcStatusError, statusIn, statusOfReset } from './status.ts'
import { formatTimeout, LONGEST_TIMER_MS } from './timeout.ts'

/** What goes with a call. */
export interface CallOptions {
  /** Names in lower case. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Told to the peer, and held here. Above 0. Default: none. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Who takes what a call brings. `onEnd` comes once, last, and without error only for status OK. */
export interface CallSink {
  onMessage(bytes: Uint8Array): void
  onEnd(error: GrpcStatusError | undefined): void
}

/** What of a channel its calls need. */
export interface CallContext {
  readonly session: ClientHttp2Session
  readonly budget: Budget
  readonly maxReceiveBytes: number
  /** Why the connection ended; `undefined` while it stands. */
  reasonOfEnd(): GrpcStatusError | undefined
  /** Something was received that is worth its while. */
  onProgress(): void
}

const NO_ERROR = 0
const CANCEL = 8

/** One call, from its headers to its status; whatever happens, it ends, and ends once. */
export class ClientCall {
  readonly stream: ClientHttp2Stream
  readonly #context: CallContext
  readonly #sink: CallSink
  readonly #reader: FrameReader
  readonly #signal: AbortSignal | undefined
  #timer: NodeJS.Timeout | undefined
  #status: GrpcStatusError | 'ok' | undefined
  /** Did the peer end its half without a status? Then the code of the reset is ours. */
  #isBare = false
  #isEnded = false

  /** @throws {GrpcStatusError} the call cannot even begin. */
  constructor(context: CallContext, path: string, { metadata, timeoutMs, signal }: CallOptions, sink: CallSink) {
    if (signal?.aborted === true) throw new GrpcStatusError(GRPC_STATUS.cancelled, 'the call was cancelled')
    this.#context = context
    this.#sink = sink
    this.#reader = new FrameReader(context.maxReceiveBytes, context.budget)
    this.#signal = signal
    this.stream = request(context, headersOf(path, metadata, timeoutMs))
    this.#listen()
    signal?.addEventListener('abort', this.#onAbort)
    if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) this.#timer = setTimeout(this.#onDeadline, timeoutMs)
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  cancel(): void {
    this.#onAbort()
  }

  #listen(): void {
    this.stream.on('response', (headers) => this.#guarded(() => this.#onResponse(headers)))
    this.stream.on('data', (chunk: Buffer) => this.#guarded(() => this.#onData(chunk)))
    this.stream.on('trailers', (trailers) => {
      this.#status ??= statusIn(trailers)
    })
    this.stream.on('end', () => this.#onHalfClose())
    // An error is followed by the stream's end, which tells what of it counts.
    this.stream.on('error', () => {})
    this.stream.on('close', () => this.#onClose())
  }

  #onResponse(headers: Readonly<Record<string, unknown>>): void {
    this.#context.onProgress()
    this.#status = statusIn(headers)
    if (this.#status !== undefined) return
    if (headers[':status'] !== 200)
      throw new GrpcStatusError(GRPC_STATUS.unknown, `the peer answered with HTTP status ${headers[':status']}`)
    if (!String(headers['content-type']).startsWith('application/grpc'))
      throw new GrpcStatusError(GRPC_STATUS.unknown, 'the peer does not answer with gRPC')
  }

  #onData(chunk: Buffer): void {
    if (this.#isEnded) return
    this.#context.onProgress()
    this.#reader.push(chunk, (bytes) => this.#sink.onMessage(bytes))
  }

  /** Comes with a reset and the end of a connection too, whose reasons are told apart once the stream has closed. */
  #onHalfClose(): void {
    if (this.#status !== undefined) this.#end(this.#status)
    else if (!this.stream.closed) {
      this.#isBare = true
      this.stream.close(CANCEL)
    }
  }

  /** A server may end a call before our half of it is closed; what it said until then counts. */
  #onClose(): void {
    const code = this.#isBare ? NO_ERROR : (this.stream.rstCode ?? NO_ERROR)
    this.#end(
      this.#status ??
        this.#context.reasonOfEnd() ??
        new GrpcStatusError(statusOfReset(code), `the call ended without a status (HTTP/2 code ${code})`),
    )
  }

  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#end(error instanceof GrpcStatusError ? error : new GrpcStatusError(GRPC_STATUS.internal, 'the call failed'))
    }
  }

  readonly #onAbort = (): void => this.#end(new GrpcStatusError(GRPC_STATUS.cancelled, 'the call was cancelled'))

  readonly #onDeadline = (): void =>
    this.#end(new GrpcStatusError(GRPC_STATUS.deadlineExceeded, 'the call took too long'))

  #end(status: GrpcStatusError | 'ok'): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const isCut = status === 'ok' && !this.#reader.isAtBoundary
    this.#reader.close()
    if (!this.stream.closed) this.stream.close(this.#status === undefined ? CANCEL : NO_ERROR)
    if (isCut) this.#sink.onEnd(new GrpcStatusError(GRPC_STATUS.internal, 'the call ended within a message'))
    else this.#sink.onEnd(status === 'ok' ? undefined : status)
  }
}

function headersOf(
  path: string,
  metadata: CallOptions['metadata'],
  timeoutMs: number | undefined,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ':method': 'POST',
    ':path': path,
    te: 'trailers',
    'content-type': 'application/grpc',
  }
  if (timeoutMs !== undefined && timeoutMs !== Infinity) headers['grpc-timeout'] = formatTimeout(timeoutMs)
  return metadata === undefined ? headers : Object.assign(headers, metadata)
}

function request({ session, reasonOfEnd }: CallContext, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  // Node lets calls begin on a session that is closing; the peer would never see them.
  const reason = reasonOfEnd()
  if (reason !== undefined) throw reason
  try {
    return session.request(headers, { endStream: false })
  } catch (cause) {
    throw reasonOfEnd() ?? new GrpcStatusError(GRPC_STATUS.unavailable, 'the connection takes no more calls', { cause })
  }
}
