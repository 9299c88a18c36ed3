import { ServerError, SessionError } from '../errors/index.ts'
import type { KeepGrant } from '../lease/cache.ts'
import { cacheKey } from '../lease/key.ts'
import type { Call } from './call.ts'

/** What is held may be served to holders, also where no rule lets it be cached. */
export const HELD: KeepGrant = Object.freeze({ ttlMs: Infinity, staleIfErrorMs: 0 })

/** For how long `call` may be served what is kept. */
export function grantOf(call: Call): KeepGrant | undefined {
  return call.isHeld === true ? HELD : call.verdict.cache
}

/** Under which its answer is kept. */
export function keyOf({ request, caller, verdict, identity }: Call): string {
  return cacheKey(request, caller, verdict.isCallersOwn === true ? 'caller' : 'gateway', identity.id, verdict.maxTtlMs)
}

/** Only what the gateway's own token got is kept alive: a caller's is not ours to act with. */
export function isOurs({ identity }: Call): boolean {
  return identity.id === ''
}

/** Is it the server that fails, and may it recover? A refusal of the audit is none of the server's. */
export function isPassing(error: unknown): boolean {
  return (error instanceof ServerError || error instanceof SessionError) && error.temporary
}

/** Does the server say that there is nothing, or nothing for this token? */
export function isFinal(error: unknown): boolean {
  return error instanceof ServerError && (error.status === 403 || error.status === 404)
}
