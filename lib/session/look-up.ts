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
 * Asks the server whether it knows a token at all, where a look-up of it was refused.
 *
 * A token without the default policy may not look itself up, dead or alive. Which mounts it may know is told to every
 * token that lives, whatever its policies, and refused to one that is dead.
 *
 * @returns `refused`: the token is dead. `undefined`: the server answers this in no way that tells.
 * @see https://openbao.org/api-docs/system/internal-ui-mounts/
 */
export async function lookAround(exchange: OwnExchange, token: Sealed<string>): Promise<Seen | undefined> {
  try {
    const timeoutMs = RENEWAL_LIMIT_MS
    const { data } = await exchange({ operation: 'read', path: 'sys/internal/ui/mounts', token, timeoutMs })
    return data === undefined ? undefined : { kind: 'alive', ttlMs: undefined }
  } catch (error) {
    const status = error instanceof ServerError ? error.status : 0
    if (status === 403) return { kind: 'refused' }
    return status >= 400 && status < 500 && status !== 429 ? undefined : { kind: 'unknown' }
  }
}

/**
 * Does a refusal sound as if the token were dead? An ACL words it otherwise. No promise of the API, so only a hint
 * at when to look it up.
 */
export function soundsDead(error: unknown): boolean {
  if (!(error instanceof ServerError) || error.status !== 403) return false
  const texts = error.serverErrors()
  return texts.length > 0 && texts.every((text) => text === 'permission denied' || text.includes('invalid token'))
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
