import { hash } from 'node:crypto'
import type { Caller } from '../model/caller.ts'
import type { GatewayRequest } from '../model/request.ts'

/** Whose answers an entry may serve: everyone of the gateway, or one caller. */
export type Scope = 'gateway' | 'caller'

const requests = new WeakMap<GatewayRequest, string>()
const callers = new WeakMap<Caller, string>()

/**
 * Key of what is kept for `request`: a hash of namespace, operation, path, query and body. Never of
 * trace headers, so that traced callers share one lease.
 *
 * @param scope - `caller` adds the caller, so that its entries are its own.
 * @param identity - `''` for the gateway's session, else the HMAC of a passed-through token.
 * @param maxTtlMs - How long the caller's rules let it have a lease: who may have it longer has another one, so that neither
 *   keeps minting for the other.
 */
export function cacheKey(
  request: GatewayRequest,
  caller: Caller,
  scope: Scope,
  identity: string,
  maxTtlMs: number = Infinity,
): string {
  const base = requestKey(request)
  if (scope === 'gateway' && identity === '' && maxTtlMs === Infinity) return base
  const bound = maxTtlMs === Infinity ? '' : `|${maxTtlMs}`
  return `${base}|${scope === 'caller' ? callerKey(caller) : ''}|${identity}${bound}`
}

/**
 * Lets go of the key that was worked out for `request`. What is kept carries its key itself, and keeps the request
 * alive: of a million leases that nobody asks for again, each would cost its entry here too.
 */
export function forgetKey(request: GatewayRequest): void {
  requests.delete(request)
}

function requestKey(request: GatewayRequest): string {
  let key = requests.get(request)
  if (key === undefined) {
    const { namespace, operation, path, query, body } = request
    const sorted = Object.keys(query)
      .sort()
      .map((name) => [name, query[name]])
    key = hash('sha256', JSON.stringify([namespace, operation, path, sorted, body ?? null]), 'binary')
    requests.set(request, key)
  }
  return key
}

function callerKey(caller: Caller): string {
  let key = callers.get(caller)
  if (key === undefined) {
    key = hash('sha256', caller.id, 'base64')
    callers.set(caller, key)
  }
  return key
}
