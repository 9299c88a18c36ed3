import type { JsonObject } from '../../../model/json.ts'
import type { Backend, Outcome } from '../backend.ts'
import { absent, Refusal } from '../exchange.ts'
import { listOf } from './kv1.ts'

/** Storage of one token: nobody else sees it, and it goes with the token. */
export function createCubbyhole(): Backend {
  const byToken = new Map<string, Map<string, JsonObject>>()
  return {
    exists: ({ token, rest }) => byToken.get(token?.id ?? '')?.has(rest) === true,
    handle({ operation, token, rest, data }): Outcome {
      const id = token?.id ?? ''
      const secrets = byToken.get(id) ?? new Map<string, JsonObject>()
      byToken.set(id, secrets)
      if (operation === 'list') return listOf(secrets, rest)
      if (operation === 'delete') secrets.delete(rest)
      else if (operation === 'write') secrets.set(rest, data)
      else if (operation !== 'read') throw new Refusal(405, 'unsupported operation')
      if (operation !== 'read') return {}
      const found = secrets.get(rest)
      if (found === undefined) throw absent()
      return { data: found }
    },
  }
}
