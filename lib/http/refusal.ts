import { type CodeOf, ServerError } from '../errors/index.ts'
import type { TransportRequest } from '../ports/transport.ts'
import { type Body, textsOf } from './answer.ts'
import type { Received } from './exchange.ts'
import { harmlessPhrases } from './phrases.ts'
import { retryAfterMs } from './retry-after.ts'
import { verdictOf } from './status.ts'

/** What every error of an exchange tells. */
export type Asked = Pick<TransportRequest, 'operation' | 'path'>

/** The error for an answer whose status is no success. Of the server's words only harmless ones stand in its message. */
export function refusalOf(asked: Asked, received: Received, body: Body, wallTimeMs: number): ServerError {
  const object = body.kind === 'json' ? body.object : undefined
  const serverErrors = textsOf(object?.errors)
  const { status } = received
  const { code, mayHaveHappened } = verdictOf(asked.path, status, object, serverErrors)
  const waitMs = retryAfterMs(received.headers['retry-after'], wallTimeMs)
  const requestId = object?.request_id
  return new ServerError(code, `${asked.operation} ${asked.path}: ${spoken(status, serverErrors)}`, {
    ...asked,
    status,
    requestId: typeof requestId === 'string' ? requestId : '',
    mayHaveHappened,
    serverErrors,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    // Not installed, or not initialised: no repeat will change it.
    ...(status === 501 ? { temporary: false } : {}),
  })
}

/** Not from `node:http`: importing that loads Node's whole `fetch` along. */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  472: 'disaster recovery standby',
  473: 'performance standby',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

function spoken(status: number, serverErrors: readonly string[]): string {
  const phrases = harmlessPhrases(serverErrors)
  const words = phrases.length > 0 ? phrases.join('; ') : STATUS_NAMES[status]
  return `the server answered ${status}${words === undefined ? '' : ` (${words})`}`
}

/** The error for an answer that is not what a server sends. */
export function badAnswer(asked: Asked, status: number, what: string): ServerError {
  const details = { ...asked, status, mayHaveHappened: status < 300 || status >= 500 }
  return refusal('ERR_PORTCULLIS_SERVER_BAD_ANSWER', asked, `the server answered ${status}, but ${what}`, details)
}

/** The error for a redirect that is not followed. */
export function redirectRefused(asked: Asked, status: number, why: string): ServerError {
  return refusal('ERR_PORTCULLIS_SERVER_REDIRECT', asked, `redirect (${status}) not followed: ${why}`, {
    ...asked,
    status,
  })
}

function refusal(
  code: CodeOf<'ServerError'>,
  asked: Asked,
  message: string,
  details: ConstructorParameters<typeof ServerError>[2],
): ServerError {
  return new ServerError(code, `${asked.operation} ${asked.path}: ${message}`, details)
}
