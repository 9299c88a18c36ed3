import * as envelope from '../model/envelope.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { Received } from './exchange.ts'

/** What an answer's body is. */
export type Body = envelope.Body

/** Looks at a body, by the content type it claims. */
export function bodyOf({ headers, body }: Received): Body {
  const header = headers['content-type']
  return envelope.bodyOf(typeof header === 'string' ? header : '', body)
}

/**
 * The server's words in our units, odd shapes intact.
 *
 * @returns `undefined` where `data`, `auth` or `wrap_info` are not what a server sends there.
 */
export function answerOf(received: Received, body: Body): ServerAnswer | undefined {
  return envelope.answerOf(received.status, body, received.body)
}
