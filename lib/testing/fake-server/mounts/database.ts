import type { JsonObject } from '../../../model/json.ts'
import type { Backend, Call, Outcome } from '../backend.ts'
import { durationMs, SYSTEM_TTL_MS } from '../duration.ts'
import { Refusal, secondsOf } from '../exchange.ts'
import { type State, timeText } from '../state.ts'
import { randomName } from '../tokens.ts'
import { listOf } from './kv1.ts'

interface Role {
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly renewable: boolean
}

interface StaticRole {
  readonly username: string
  readonly periodMs: number
  password: string
  rotatedAtMs: number
  rotatedWallMs: number
}

/**
 * The database secrets engine without a database: each read of `creds/ROLE` makes a user and a lease.
 *
 * Roles take `default_ttl` and `max_ttl`, static roles `username` and `rotation_period`, as on a server. Besides,
 * `renewable: false` makes a role whose leases cannot be renewed.
 */
export function createDatabase(): Backend {
  const roles = new Map<string, Role>()
  const staticRoles = new Map<string, StaticRole>()
  return {
    handle(call, state): Outcome {
      const [, part = '', name = ''] = /^([^/]*)\/?(.*)$/.exec(call.rest) ?? []
      switch (part) {
        case 'config':
        case 'rotate-root':
          return {}
        case 'roles':
          return onRole(roles, name, call, roleOf)
        case 'static-roles':
          return onRole(staticRoles, name, call, (data) => staticRoleOf(data, state))
        case 'creds':
          return credentials(roles.get(name), name, call, state)
        case 'static-creds':
          return staticCredentials(staticRoles.get(name), name, state)
        case 'rotate-role':
          return rotated(staticRoles.get(name), name, state)
        default:
          throw new Refusal(404, 'unsupported path')
      }
    },
  }
}

function onRole<R>(roles: Map<string, R>, name: string, call: Call, make: (data: JsonObject) => R): Outcome {
  if (call.operation === 'list') return listOf(roles, name)
  if (call.operation === 'delete') roles.delete(name)
  else if (call.operation === 'write') roles.set(name, make(call.data))
  else throw new Refusal(405, 'unsupported operation')
  return {}
}

function roleOf(data: JsonObject): Role {
  const maxTtlMs = durationMs(data.max_ttl, 0) || SYSTEM_TTL_MS
  const ttlMs = Math.min(durationMs(data.default_ttl ?? data.ttl, 0) || SYSTEM_TTL_MS, maxTtlMs)
  return { ttlMs, maxTtlMs, renewable: data.renewable !== false }
}

function credentials(role: Role | undefined, name: string, call: Call, state: State): Outcome {
  if (role === undefined) throw new Refusal(400, `unknown role: ${name}`)
  state.countMint(call.path)
  return { data: { username: `v-${name}-${randomName(16)}`, password: randomName(20) }, lease: role }
}

function staticRoleOf(data: JsonObject, state: State): StaticRole {
  const periodMs = durationMs(data.rotation_period, 0)
  if (periodMs === 0) throw new Refusal(400, 'one of rotation_schedule or rotation_period must be provided')
  const username = typeof data.username === 'string' ? data.username : ''
  const { clock } = state
  return { username, periodMs, password: randomName(20), rotatedAtMs: clock.now(), rotatedWallMs: clock.wallTime() }
}

function staticCredentials(role: StaticRole | undefined, name: string, state: State): Outcome {
  if (role === undefined) throw new Refusal(400, `unknown role: ${name}`)
  rotateIfDue(role, state)
  const leftMs = role.rotatedAtMs + role.periodMs - state.clock.now()
  return {
    data: {
      username: role.username,
      password: role.password,
      ttl: secondsOf(leftMs),
      rotation_period: secondsOf(role.periodMs),
      last_vault_rotation: timeText(role.rotatedWallMs),
    },
  }
}

/** Rotations that fell due since it was last looked at; a password that nobody saw needs no making. */
function rotateIfDue(role: StaticRole, state: State): void {
  const periods = Math.floor((state.clock.now() - role.rotatedAtMs) / role.periodMs)
  if (periods === 0) return
  role.rotatedAtMs += periods * role.periodMs
  role.rotatedWallMs = state.clock.wallTime() - (state.clock.now() - role.rotatedAtMs)
  role.password = randomName(20)
}

function rotated(role: StaticRole | undefined, name: string, state: State): Outcome {
  if (role === undefined) throw new Refusal(400, `unknown role: ${name}`)
  role.rotatedAtMs = state.clock.now()
  role.rotatedWallMs = state.clock.wallTime()
  role.password = randomName(20)
  return {}
}
