import { GatewayError, ServerError } from '../../errors/index.ts'
import { answerOf, bodyOf } from '../../http/answer.ts'
import { requestHeaders } from '../../http/headers.ts'
import { badAnswer, redirectRefused, refusalOf } from '../../http/refusal.ts'
import { isJsonObject } from '../../model/json.ts'
import type { ServerAnswer } from '../../model/server-answer.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Transport, TransportOptions, TransportRequest } from '../../ports/transport.ts'
import type { FakeReply, FakeRequest } from './exchange.ts'
import type { Disruption } from './faults.ts'
import type { Serve } from './http-shell.ts'

/**
 * A {@link Transport} without sockets. Answers are read by the code that reads them from HTTP, so that
 * a test sees what production sees. Sends each request once: repeating is for the driver that has a network.
 */
export function createMemoryTransport(serve: Serve, clock: Clock): Transport {
  let isClosed = false
  const ending = new AbortController()
  return {
    address: 'http://fake-server.invalid',
    async send(request, options): Promise<ServerAnswer> {
      if (isClosed) throw new GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'the transport is closed')
      options.signal?.throwIfAborted()
      const disruption = serve(fakeRequest(request))
      await arrival(disruption, request, { ...options, closed: ending.signal }, clock)
      return read(request, disruption, clock)
    },
    async close(): Promise<void> {
      isClosed = true
      ending.abort(new GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'the transport was closed meanwhile'))
    },
  }
}

const METHODS = { read: 'GET', list: 'GET', scan: 'GET', write: 'POST', patch: 'PATCH', delete: 'DELETE' } as const

function fakeRequest(request: TransportRequest): FakeRequest {
  const { operation, path, query, body } = request
  const named = operation === 'list' || operation === 'scan' ? { [operation]: 'true' } : {}
  return { method: METHODS[operation], path, query: { ...named, ...query }, headers: headersOf(request), body }
}

function headersOf(request: TransportRequest): Readonly<Record<string, string>> {
  const list = requestHeaders(request, [])
  const headers: Record<string, string> = {}
  for (let at = 0; at < list.length; at += 2) headers[list[at] ?? ''] = list[at + 1] ?? ''
  return headers
}

interface ArrivalOptions extends TransportOptions {
  /** The transport was closed: a real one cuts its connections. */
  readonly closed: AbortSignal
}

/** Resolves when the answer is there; rejects for a signal or the time limit. */
function arrival(
  { end, delayMs }: Disruption,
  { operation, path }: TransportRequest,
  { signal, closed, timeoutMs }: ArrivalOptions,
  clock: Clock,
): Promise<void> {
  const stop = signal === undefined ? closed : AbortSignal.any([signal, closed])
  if (end !== 'hang' && delayMs === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const timers = [clock.after(timeoutMs, () => finish(() => reject(timeout(operation, path, timeoutMs))))]
    if (end !== 'hang') timers.push(clock.after(delayMs, () => finish(resolve)))
    const onAbort = (): void => finish(() => reject(stop.reason))
    const finish = (settle: () => void): void => {
      for (const timer of timers) timer.cancel()
      stop.removeEventListener('abort', onAbort)
      settle()
    }
    stop.addEventListener('abort', onAbort, { once: true })
  })
}

function timeout(operation: string, path: string, timeoutMs: number): ServerError {
  const message = `${operation} ${path}: no whole answer from the fake server within ${timeoutMs} ms`
  return new ServerError('ERR_PORTCULLIS_SERVER_TIMEOUT', message, { operation, path, mayHaveHappened: true })
}

function read(request: TransportRequest, { end, reply }: Disruption, clock: Clock): ServerAnswer {
  const { operation, path } = request
  if (end === 'reset') {
    const message = `${operation} ${path}: the fake server cut the connection`
    throw new ServerError('ERR_PORTCULLIS_SERVER_UNREACHABLE', message, { operation, path, mayHaveHappened: true })
  }
  if (end === 'truncate') {
    const { status } = reply
    const message = `${operation} ${path}: the fake server cut the answer short`
    const mayHaveHappened = status < 300 || status >= 500
    throw new ServerError('ERR_PORTCULLIS_SERVER_TRUNCATED', message, { operation, path, status, mayHaveHappened })
  }
  return answered({ operation, path }, reply, clock)
}

function answered(asked: Pick<TransportRequest, 'operation' | 'path'>, reply: FakeReply, clock: Clock): ServerAnswer {
  const { status, headers } = reply
  const received = { status, headers, body: Buffer.from(reply.body) }
  if (status >= 300 && status < 400) throw redirectRefused(asked, status, 'the transport in memory follows none')
  const body = bodyOf(received)
  const carriesData = (status === 400 || status === 404) && body.kind === 'json' && isJsonObject(body.object.data)
  if (status >= 300 && !carriesData) throw refusalOf(asked, received, body, clock.wallTime())
  if (body.kind === 'bad') throw badAnswer(asked, status, body.what)
  const answer = answerOf(received, body)
  if (answer === undefined) throw badAnswer(asked, status, 'data, auth or wrap_info is no object')
  return answer
}
