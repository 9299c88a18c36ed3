import { type CodeOf, ServerError } from '../errors/index.ts'
import { freezeDeep, type JsonObject } from '../model/json.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { Transport, TransportOptions, TransportRequest } from '../ports/transport.ts'

/** What a scripted transport does with one request: an answer, an error to reject with, or a function that makes either. */
export type Step =
  | ServerAnswer
  | Error
  | ((request: TransportRequest, options: TransportOptions) => ServerAnswer | Promise<ServerAnswer>)

/** A {@link Transport} that follows a script. */
export interface ScriptedTransport extends Transport {
  /** Every request so far, those too many included. */
  readonly requests: readonly TransportRequest[]
  /** Their paths. */
  paths(): readonly string[]
  /** @throws {Error} when requests were too few or too many. A call too many is refused at once too, but what called may hide that. */
  done(): void
}

/**
 * A transport that answers the first request by the first step, and so on.
 *
 * @throws {Error} (from `send`) for a request beyond the script.
 * @example
 * const transport = scripted([refuse(503), grant({ ttlMs: 60_000 })])
 * // … two requests later
 * transport.done()
 */
export function scripted(steps: readonly Step[]): ScriptedTransport {
  const requests: TransportRequest[] = []
  return {
    address: 'scripted:',
    requests,
    paths: () => requests.map((request) => request.path),
    async send(request, options): Promise<ServerAnswer> {
      requests.push(request)
      options.signal?.throwIfAborted()
      const step = steps[requests.length - 1]
      if (step === undefined) throw new Error(tooMany(steps, requests))
      if (step instanceof Error) throw step
      return typeof step === 'function' ? step(request, options) : step
    },
    done(): void {
      if (requests.length > steps.length) throw new Error(tooMany(steps, requests))
      if (requests.length < steps.length)
        throw new Error(`the script has ${steps.length} steps, but only ${requests.length} requests came`)
    },
    async close(): Promise<void> {},
  }
}

function tooMany(steps: readonly Step[], requests: readonly TransportRequest[]): string {
  const { operation, path } = requests.at(-1) as TransportRequest
  return `the script has ${steps.length} steps, but request ${requests.length} came: ${operation} ${path}`
}

/** An answer of status 200 with `fields` over an empty one. */
export function answerWith(fields: Partial<ServerAnswer> = {}): ServerAnswer {
  return freezeDeep({ ...EMPTY, ...fields })
}

const EMPTY: ServerAnswer = {
  status: 200,
  requestId: '',
  leaseId: '',
  leaseDurationMs: 0,
  renewable: false,
  data: undefined,
  warnings: [],
  wrapInfo: undefined,
  auth: undefined,
  raw: undefined,
  mountType: '',
}

/** What {@link grant} is told. */
export interface Grant {
  readonly ttlMs: number
  readonly data?: JsonObject
  /** Default: `database/creds/app/1`. */
  readonly leaseId?: string
  /** Default: true. */
  readonly renewable?: boolean
}

/** An answer with a lease: what reading a dynamic secret gives, and renewing it. */
export function grant({ ttlMs, data, leaseId = 'database/creds/app/1', renewable = true }: Grant): ServerAnswer {
  return answerWith({ leaseId, leaseDurationMs: ttlMs, renewable, data, requestId: 'scripted' })
}

const CODES: Readonly<Record<number, CodeOf<'ServerError'>>> = {
  0: 'ERR_PORTCULLIS_SERVER_UNREACHABLE',
  400: 'ERR_PORTCULLIS_SERVER_BAD_REQUEST',
  403: 'ERR_PORTCULLIS_SERVER_FORBIDDEN',
  404: 'ERR_PORTCULLIS_SERVER_NOT_FOUND',
  412: 'ERR_PORTCULLIS_SERVER_STALE',
  429: 'ERR_PORTCULLIS_SERVER_RATE_LIMITED',
  472: 'ERR_PORTCULLIS_SERVER_STANDBY',
  473: 'ERR_PORTCULLIS_SERVER_STANDBY',
  503: 'ERR_PORTCULLIS_SERVER_SEALED',
}

/** What a refusal says besides its status. */
export interface Refusal {
  readonly errors?: readonly string[]
  /** Default: by the status; 503 is a sealed server, 0 one that cannot be reached. */
  readonly code?: CodeOf<'ServerError'>
  readonly retryAfterMs?: number
  readonly mayHaveHappened?: boolean
}

/** A step that refuses, as the HTTP driver would have told it. */
export function refuse(status: number, refusal: Refusal = {}): Step {
  const { errors = [], code = codeOf(status), ...facts } = refusal
  return ({ operation, path }) => {
    const details = { operation, path, status, serverErrors: errors, ...facts }
    throw new ServerError(code, `${operation} ${path}: refused by the script with ${status}`, details)
  }
}

function codeOf(status: number): CodeOf<'ServerError'> {
  return CODES[status] ?? (status >= 500 ? 'ERR_PORTCULLIS_SERVER_FAILED' : 'ERR_PORTCULLIS_SERVER_BAD_REQUEST')
}
