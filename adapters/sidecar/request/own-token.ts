import { Buffer } from 'node:buffer'
import type { JsonObject } from 'portcullis'
import { Refused } from './refused.ts'
import type { Target } from './target.ts'

/** Paths whose answer tells the token that asked. A namespace may stand before. */
const TELLS_TOKEN = /(?:^|\/)auth\/token\/(?:lookup|lookup-self|renew|renew-self)(?:\/|$)/
const ENDS_TOKEN = /(?:^|\/)auth\/token\/revoke-self(?:\/|$)/

/** Could the answer tell the sidecar's own token? */
export function tellsOwnToken({ path }: Pick<Target, 'path'>): boolean {
  return TELLS_TOKEN.test(path)
}

/**
 * Refuses what would end the token that all callers share, or would carry it off in a wrapped answer.
 *
 * @throws {Refused} 403.
 */
export function guardOwnToken(target: Pick<Target, 'path'>, wrapTtlMs: number | undefined): void {
  if (ENDS_TOKEN.test(target.path)) throw new Refused(403, "the sidecar's token is not the caller's to revoke")
  if (wrapTtlMs !== undefined && tellsOwnToken(target))
    throw new Refused(403, "an answer that tells of the sidecar's token is not wrapped")
}

/**
 * An answer without the token and the accessor in it, unless the caller named that token itself.
 *
 * @param asked - The body of the request.
 */
export function withoutOwnToken(body: Uint8Array, asked: JsonObject | undefined): Uint8Array {
  if (body.length === 0) return body
  const answer = JSON.parse(Buffer.from(body).toString('utf8'))
  const named = typeof asked?.token === 'string' && asked.token !== '' ? asked.token : undefined
  for (const part of [answer.data, answer.auth, answer]) {
    if (typeof part !== 'object' || part === null) continue
    if (named !== undefined && (part.id === named || part.client_token === named)) continue
    for (const name of ['id', 'accessor', 'client_token']) delete part[name]
  }
  return Buffer.from(`${JSON.stringify(answer)}\n`)
}
