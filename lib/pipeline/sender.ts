import { ServerError } from '../errors/index.ts'
import type { Moment } from '../lease/kept.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { Clock } from '../ports/clock.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Transport, TransportOptions } from '../ports/transport.ts'
import type { Session, SessionToken } from '../session/session.ts'

/** What is sent, and for whom. */
export interface Sending {
  readonly id: string
  readonly request: GatewayRequest
  /** `undefined`: sent without a token. */
  readonly session: Session | undefined
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
}

/** An answer, and the token that got it. */
export interface Exchange {
  readonly answer: ServerAnswer
  readonly token: SessionToken | undefined
  /** Just before it was sent: what it grants ends no earlier than counted from here. */
  readonly sentAt: Moment
}

export interface SenderDeps {
  readonly transport: Transport
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Is the path on a mount known to be kv? Only there may a read be repeated after a failure that leaves it open. */
  readonly isKnownKv: (request: GatewayRequest) => boolean
}

/** Sends with a live token; a 403 from a dead one is answered by one new login and one more try. @throws {ServerError}, {SessionError} */
export type Send = (sending: Sending) => Promise<Exchange>

export function createSend(deps: SenderDeps): Send {
  return async (sending) => {
    const token = await sending.session?.current()
    try {
      return await exchange(deps, sending, token)
    } catch (error) {
      if (token === undefined || sending.session === undefined || !isForbidden(error)) throw error
      if ((await sending.session.forbidden(token, error)) === 'final') throw error
    }
    return exchange(deps, sending, await sending.session.current())
  }
}

async function exchange(deps: SenderDeps, sending: Sending, token: SessionToken | undefined): Promise<Exchange> {
  const { request, id, signal, timeoutMs } = sending
  const options: TransportOptions = signal === undefined ? { timeoutMs } : { timeoutMs, signal }
  const message = {
    operation: request.operation,
    namespace: request.namespace,
    path: request.path,
    query: request.query,
    body: request.body,
    wrapTtlMs: request.wrapTtlMs,
    token: token?.token,
    requestId: id,
    repeatable: isRepeatable(request, deps),
  }
  const sentAt = { nowMs: deps.clock.now(), wallMs: deps.clock.wallTime() }
  const answer = await deps.telemetry.suppressed(() => deps.transport.send(message, options))
  return { answer, token, sentAt }
}

function isRepeatable(request: GatewayRequest, deps: SenderDeps): boolean {
  if (request.operation !== 'read' && request.operation !== 'list') return false
  return request.wrapTtlMs === 0 && (request.path.startsWith('sys/') || deps.isKnownKv(request))
}

function isForbidden(error: unknown): boolean {
  return error instanceof ServerError && error.status === 403
}
