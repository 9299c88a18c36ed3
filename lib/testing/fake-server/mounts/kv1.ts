import type { JsonObject } from '../../../model/json.ts'
import type { Backend, Call, Outcome } from '../backend.ts'
import { durationMs, SYSTEM_TTL_MS } from '../duration.ts'
import { absent, Refusal } from '../exchange.ts'
import { namesBelow } from './fields.ts'

/** KV version 1. With `leased` (the mount's option `leased_passthrough`), a read makes a lease. */
export function createKv1({ leased }: { readonly leased: boolean }): Backend {
  const secrets = new Map<string, JsonObject>()
  return {
    exists: ({ rest }) => secrets.has(rest),
    handle(call): Outcome {
      if (call.operation === 'list') return listOf(secrets, call.rest)
      if (call.operation === 'read') return read(secrets.get(call.rest), leased)
      if (call.operation === 'delete') secrets.delete(call.rest)
      else write(secrets, call)
      return {}
    },
  }
}

/** What a list answers; 404 for none. */
export function listOf(secrets: ReadonlyMap<string, unknown>, folder: string): Outcome {
  const keys = namesBelow(secrets.keys(), folder)
  if (keys.length === 0) throw absent()
  return { data: { keys } }
}

function read(secret: JsonObject | undefined, leased: boolean): Outcome {
  if (secret === undefined) throw absent()
  const ttlMs = durationMs(secret.ttl ?? secret.lease, SYSTEM_TTL_MS)
  return leased
    ? { data: secret, lease: { ttlMs, maxTtlMs: SYSTEM_TTL_MS, renewable: true } }
    : { data: secret, leaseDurationMs: ttlMs }
}

function write(secrets: Map<string, JsonObject>, { operation, rest, data }: Call): void {
  if (operation !== 'write') throw new Refusal(405, 'unsupported operation')
  if (Object.keys(data).length === 0) throw new Refusal(400, 'missing data fields')
  secrets.set(rest, data)
}
