import type { Dispatcher } from 'undici'
import type { Ended, Limit } from './limit.ts'

/** Headers of an answer, names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** A whole answer, as it came. */
export interface Received {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: Buffer
}

/** How an exchange failed. */
export type Failure =
  | { readonly kind: 'error'; readonly error: Error }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'ended'; readonly ended: Ended }

/** What a failed exchange throws, to be turned into one of our errors. Has no stack: nobody gets to see it. */
export class ExchangeFailure {
  readonly failure: Failure
  /** Had anything been written to a connection? */
  readonly sent: boolean
  /** Status of the answer, where one had begun; else 0. */
  readonly status: number

  constructor(failure: Failure, sent: boolean, status: number) {
    this.failure = failure
    this.sent = sent
    this.status = status
  }
}

/** Sends one request and reads the whole answer. @throws {ExchangeFailure} */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  limit: Limit,
  maxBytes: number,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const handler = new Handler(limit, maxBytes, resolve, reject)
    if (limit.ended !== undefined) handler.end(limit.ended)
    else {
      limit.watch((ended) => handler.end(ended))
      dispatcher.dispatch(request, handler)
    }
  })
}

const CHUNKS_IN_BLOCK = 1024
const ABANDONED = new Error('the exchange has ended')

/** Collects an answer. Leaner than undici's `request()`, which makes a stream for each body. */
class Handler implements Dispatcher.DispatchHandler {
  readonly #limit: Limit
  readonly #maxBytes: number
  readonly #resolve: (received: Received) => void
  readonly #reject: (failure: ExchangeFailure) => void
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: AnswerHeaders = {}
  #chunks: Buffer[] = []
  #blocks: Buffer[] = []
  #size = 0
  #isSettled = false

  constructor(
    limit: Limit,
    maxBytes: number,
    resolve: (received: Received) => void,
    reject: (failure: ExchangeFailure) => void,
  ) {
    this.#limit = limit
    this.#maxBytes = maxBytes
    this.#resolve = resolve
    this.#reject = reject
  }

  end(ended: Ended): void {
    this.#fail({ kind: 'ended', ended })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited for a connection: nothing may be written any more. Throwing, unlike aborting, leaves the connection to others.
    if (this.#isSettled) throw ABANDONED
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    if (Number(headers['content-length'] ?? 0) > this.#maxBytes) this.#fail({ kind: 'too-large' })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isSettled) return
    this.#size += chunk.length
    if (this.#size > this.#maxBytes) this.#fail({ kind: 'too-large' })
    else this.#keep(chunk)
  }

  onResponseEnd(): void {
    if (this.#isSettled) return
    this.#settle()
    this.#resolve({ status: this.#status, headers: this.#headers, body: this.#body() })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail({ kind: 'error', error })
  }

  /** A body sent byte by byte would else cost a hundred times its size in Buffers. */
  #keep(chunk: Buffer): void {
    this.#chunks.push(chunk)
    if (this.#chunks.length < CHUNKS_IN_BLOCK) return
    this.#blocks.push(Buffer.concat(this.#chunks))
    this.#chunks = []
  }

  #body(): Buffer {
    const [first] = this.#chunks
    if (first !== undefined && first.length === this.#size) return first
    return Buffer.concat([...this.#blocks, ...this.#chunks], this.#size)
  }

  #fail(failure: Failure): void {
    if (this.#isSettled) return
    this.#settle()
    this.#chunks = []
    this.#blocks = []
    this.#reject(new ExchangeFailure(failure, this.#controller !== undefined, this.#status))
    this.#controller?.abort(ABANDONED)
  }

  #settle(): void {
    this.#isSettled = true
    this.#limit.watch(undefined)
  }
}
