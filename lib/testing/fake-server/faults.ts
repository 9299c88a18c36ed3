import { errorReply, type FakeReply, type FakeRequest, jsonReply } from './exchange.ts'

/** Which requests a fault strikes. */
export interface FaultTarget {
  /** Exact path, a prefix that ends in `*`, or an expression. Default: any. */
  readonly path?: string | RegExp
  /** Default: any. */
  readonly method?: string
  /** How many requests; then it is spent. Default: without end. */
  readonly times?: number
  /** Requests that get through first. Default 0. */
  readonly after?: number
}

/** What a fault does. One of these, and `delayMs` and `headers` with any. */
export interface FaultEffect {
  /** Answers with this status. */
  readonly status?: number
  /** The server's words, with `status`. */
  readonly errors?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** Answers 429; with a number, asks for that many seconds' wait. */
  readonly rateLimited?: boolean | number
  /** Never answers. */
  readonly hang?: boolean
  /** Cuts the connection without an answer. */
  readonly reset?: boolean
  /** Cuts the connection in the middle of the answer. */
  readonly truncate?: boolean
  /** Answers 200 with JSON that is broken. */
  readonly badJson?: boolean
  /** Answers with these bytes, as JSON unless `headers` say otherwise. */
  readonly body?: string | Uint8Array
  /** Answers 307 to this URL; it gets no path added. */
  readonly redirect?: string
  /** By the server's clock. */
  readonly delayMs?: number
  /** Does the server do what was asked, though the answer says otherwise or gets lost? Default: only with `truncate`, or `delayMs` alone. */
  readonly carriedOut?: boolean
}

/** A line of the fault script. */
export type Fault = FaultTarget & FaultEffect

/** A fault in force. */
export interface FaultHandle {
  /** Requests struck so far. */
  readonly hits: number
  /** Ends it. */
  remove(): void
}

/** What comes of a request when faults have had their say. */
export interface Disruption {
  readonly delayMs: number
  /** How the connection fares. */
  readonly end: 'answer' | 'hang' | 'reset' | 'truncate'
  readonly reply: FakeReply
}

/** The faults in force; the one set first strikes first. */
export class FaultScript {
  readonly #faults = new Set<ArmedFault>()

  add(fault: Fault): FaultHandle {
    const armed = new ArmedFault(fault)
    this.#faults.add(armed)
    return {
      get hits(): number {
        return armed.hits
      },
      remove: () => void this.#faults.delete(armed),
    }
  }

  clear(): void {
    this.#faults.clear()
  }

  /** Runs `serve`, unless a fault stands in the way. */
  apply(request: FakeRequest, serve: () => FakeReply): Disruption {
    for (const armed of this.#faults) if (armed.strikes(request)) return disrupted(armed.fault, request, serve)
    return { delayMs: 0, end: 'answer', reply: serve() }
  }
}

class ArmedFault {
  readonly fault: Fault
  hits = 0
  #seen = 0

  constructor(fault: Fault) {
    this.fault = fault
  }

  strikes(request: FakeRequest): boolean {
    const { path, method, times = Infinity, after = 0 } = this.fault
    if (this.hits >= times || !isOn(path, request.path)) return false
    if (method !== undefined && method !== request.method) return false
    this.#seen += 1
    if (this.#seen <= after) return false
    this.hits += 1
    return true
  }
}

function isOn(wanted: string | RegExp | undefined, path: string): boolean {
  if (wanted === undefined) return true
  // A `g` flag would make every second test fail.
  if (wanted instanceof RegExp) return new RegExp(wanted.source, wanted.flags.replace(/[gy]/g, '')).test(path)
  return wanted.endsWith('*') ? path.startsWith(wanted.slice(0, -1)) : path === wanted
}

const NOTHING: FakeReply = { status: 0, headers: {}, body: new Uint8Array() }

function disrupted(fault: Fault, request: FakeRequest, serve: () => FakeReply): Disruption {
  const answer = replyInstead(fault, request)
  const end = fault.hang ? 'hang' : fault.reset ? 'reset' : fault.truncate ? 'truncate' : 'answer'
  const isServed = fault.carriedOut ?? (answer === undefined && (end === 'answer' || end === 'truncate'))
  const served = isServed ? serve() : NOTHING
  return { delayMs: fault.delayMs ?? 0, end, reply: withHeaders(answer ?? served, fault.headers) }
}

function replyInstead(fault: Fault, request: FakeRequest): FakeReply | undefined {
  const { status, errors = [], rateLimited, badJson, body, redirect } = fault
  if (redirect !== undefined) return { status: status ?? 307, headers: { location: redirect }, body: new Uint8Array() }
  if (rateLimited !== undefined && rateLimited !== false) return rateLimit(rateLimited, request)
  if (body !== undefined) return { ...jsonReply(status ?? 200, null), body: Buffer.from(body as string) }
  if (badJson) return { ...jsonReply(status ?? 200, null), body: Buffer.from('{"data":{"value":') }
  return status === undefined ? undefined : errorReply(status, errors)
}

function rateLimit(seconds: true | number, { path }: FakeRequest): FakeReply {
  const headers: Readonly<Record<string, string>> = seconds === true ? {} : { 'retry-after': String(seconds) }
  return errorReply(429, [`request path "${path}": rate limit quota exceeded`], headers)
}

function withHeaders(reply: FakeReply, headers: Readonly<Record<string, string>> = {}): FakeReply {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  return lower.length === 0 ? reply : { ...reply, headers: { ...reply.headers, ...Object.fromEntries(lower) } }
}
