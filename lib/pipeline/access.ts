import { BoundedMap } from '../model/bounded-map.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { Identity } from './call.ts'

/** How long an answer about a token's rights is believed. */
export const ACCESS_RECHECK_MS = 60_000

/** May this identity see what the gateway's own session fetched? Asked of the server, by its own token. */
export type MaySee = (identity: Identity, request: GatewayRequest) => Promise<boolean>

export interface AccessDeps {
  readonly exchange: OwnExchange
  readonly clock: Clock
}

/** Asks `sys/capabilities-self`, once a minute for each identity, path and operation. Any failure means no. */
export function createMaySee({ exchange, clock }: AccessDeps): MaySee {
  const known = new BoundedMap<{ readonly answer: Promise<boolean>; readonly untilMs: number }>(10_000)
  return (identity, request) => {
    // The server reports more for a path with a trailing slash than it grants on a read of it.
    if (request.path.endsWith('/') && request.operation !== 'list') return Promise.resolve(false)
    const key = JSON.stringify([identity.id, request.namespace, request.path, request.operation])
    const fresh = known.get(key)
    if (fresh !== undefined && clock.now() < fresh.untilMs) return fresh.answer
    const answer = ask(exchange, identity, request).catch(() => {
      known.delete(key)
      return false
    })
    known.set(key, { answer, untilMs: clock.now() + ACCESS_RECHECK_MS })
    return answer
  }
}

async function ask(exchange: OwnExchange, identity: Identity, request: GatewayRequest): Promise<boolean> {
  const { token } = await identity.session.current()
  const { namespace, operation } = request
  // The server judges a LIST by the path with a slash at its end.
  const path = operation === 'list' && !request.path.endsWith('/') ? `${request.path}/` : request.path
  const answer = await exchange({
    operation: 'write',
    path: 'sys/capabilities-self',
    data: { paths: [path] },
    namespace,
    token,
  })
  const granted = capabilities(answer.data ?? {}, path)
  return granted.includes('root') || (granted.includes(operation) && !granted.includes('deny'))
}

function capabilities(data: JsonObject, path: string): readonly JsonValue[] {
  const granted = data[path] ?? data.capabilities
  return Array.isArray(granted) ? granted : []
}
