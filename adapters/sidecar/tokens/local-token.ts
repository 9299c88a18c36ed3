import { createHash, randomBytes } from 'node:crypto'
import type { CallerAttributes } from 'portcullis'

/** What a local token begins with, and no token of a server does. */
export const LOCAL_TOKEN_PREFIX = 'pcl_'

/** A local token as the file keeps it: enough to know it again, too little to use it. */
export interface StoredToken {
  /** For people: names it when it is listed or revoked. */
  readonly id: string
  /** Of the whole token, in hexadecimal. */
  readonly sha256: string
  /** RFC 3339. */
  readonly expires: string
  /** Attributes that policies judge. */
  readonly caller: CallerAttributes
}

/** Is it one of ours, known or not? */
export function isLocalToken(token: string): boolean {
  return token.startsWith(LOCAL_TOKEN_PREFIX)
}

/** SHA-256 of a token, in hexadecimal. A token has 256 random bits, so nothing slower is needed. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** A new token, and what is to be stored of it. */
export function makeToken(
  caller: CallerAttributes,
  expires: Date,
): { readonly token: string; readonly stored: StoredToken } {
  const token = `${LOCAL_TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`
  const id = randomBytes(6).toString('hex')
  return { token, stored: { id, sha256: hashOf(token), expires: expires.toISOString(), caller } }
}
