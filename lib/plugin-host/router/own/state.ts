import type { JsonObject, JsonValue } from '../../../model/json.ts'
import type { Clock } from '../../../ports/clock.ts'
import { secondsOf } from '../duration.ts'
import { refuse, unsupportedOperation } from '../refusal.ts'
import type { Token } from '../token.ts'
import type { OwnHandler } from './call.ts'

/** What the host answers for the version of a server. */
export const HOST_VERSION = 'portcullis-host'

const CLUSTER_NAME = 'portcullis'

/** `sys/health`, `sys/seal-status`, `sys/leader`: there is one node, and it is unsealed or does not run. */
export function createStateHandler(clock: Clock, clusterId: string): OwnHandler {
  const cluster = { cluster_name: CLUSTER_NAME, cluster_id: clusterId }
  return ({ operation, rest }) => {
    if (operation !== 'read') throw unsupportedOperation()
    if (rest === 'leader') return { bare: { ha_enabled: false } }
    if (rest === 'seal-status') {
      return { bare: { type: 'host', initialized: true, sealed: false, version: HOST_VERSION, ...cluster } }
    }
    const health: JsonObject = {
      initialized: true,
      sealed: false,
      standby: false,
      replication_performance_mode: 'disabled',
      replication_dr_mode: 'disabled',
      server_time_utc: secondsOf(clock.wallTime()),
      version: HOST_VERSION,
      ...cluster,
    }
    return { bare: health }
  }
}

/** `sys/capabilities-self`: what the host lets the token do; what its policies say is the gateway's to judge. */
export function createCapabilitiesHandler(of: (token: Token, path: string) => readonly string[]): OwnHandler {
  return ({ operation, data, token }) => {
    if (operation !== 'write') throw unsupportedOperation()
    const asked: JsonValue = data.paths ?? data.path ?? []
    const paths = (Array.isArray(asked) ? asked : [asked]).filter((path) => typeof path === 'string')
    if (paths.length === 0) throw refuse(400, 'paths must be supplied')
    if (token === undefined) throw refuse(403, 'permission denied')
    const found = paths.map((path) => [path, of(token, path)] as const)
    return {
      data: { ...Object.fromEntries(found), ...(found.length === 1 ? { capabilities: found[0]?.[1] ?? [] } : {}) },
    }
  }
}
