import { type CodeOf, ServerError } from '../errors/index.ts'
import { refused } from '../errors/refused.ts'
import { textsOf } from '../model/envelope.ts'
import type { TransportRequest } from '../ports/transport.ts'
import type { Body } from './answer.ts'
import type { Received } from './exchange.ts'
import { retryAfterMs } from './retry-after.ts'

/** What every error of an exchange tells. */
export type Asked = Pick<TransportRequest, 'operation' | 'path'>

/** The error for an answer whose status is no success. Of the server's words only harmless ones stand in its message. */
export function refusalOf(
  asked: Asked,
  received: Received,
  body: Body,
  wallTimeMs: number,
  keepsBody = false,
): ServerError {
  const object = body.kind === 'json' ? body.object : undefined
  return refused(asked, {
    status: received.status,
    serverErrors: textsOf(object?.errors),
    body: object,
    retryAfterMs: retryAfterMs(received.headers['retry-after'], wallTimeMs),
    ...(keepsBody ? { serverBody: Uint8Array.from(received.body) } : {}),
  })
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
