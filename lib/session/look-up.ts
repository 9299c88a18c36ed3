import { ServerError } from '../errors/index.ts'
import type { JsonObject } from '../model/json.ts'
import type { Sealed } from '../model/sealed.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import { RENEWAL_LIMIT_MS } from './token-plan.ts'

/** What a look-up says of a token. `refused`: it is dead, or may not look itself up. `unknown`: the server did not say. */
export type Seen =
  | { readonly kind: 'alive'; readonly ttlMs: number | undefined }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' }

/** Asks the server after a token, with the token itself. */
export async function lookUpSelf(exchange: OwnExchange, token: Sealed<string>): Promise<Seen> {
  try {
    const timeoutMs = RENEWAL_LIMIT_MS
    const { data } = await exchange({ operation: 'read', path: 'auth/token/lookup-self', token, timeoutMs })
    return { kind: 'alive', ttlMs: data === undefined ? undefined : ttlMsOf(data) }
  } catch (error) {
    const isRefused = error instanceof ServerError && (error.status === 403 || error.status === 400)
    return { kind: isRefused ? 'refused' : 'unknown' }
  }
}

/**
 * Time left by a look-up; `Infinity` for a token without end, `undefined` where nothing is told.
 *
 * The wire counts in whole seconds, so a token in its last one shows a `ttl` of 0, as one without end does.
 * That it has an `expire_time` tells them apart.
 */
export function ttlMsOf({ ttl, expire_time: expireTime }: JsonObject): number | undefined {
  if (typeof ttl !== 'number') return undefined
  if (ttl > 0) return ttl * 1000
  return typeof expireTime === 'string' ? 0 : Infinity
}
