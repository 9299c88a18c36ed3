import { randomUUID } from 'node:crypto'
import type { JsonObject } from '../../../model/json.ts'
import type { Backend, Call, Outcome } from '../backend.ts'
import { durationMs } from '../duration.ts'
import { Refusal, secondsOf } from '../exchange.ts'
import type { State } from '../state.ts'
import { countField, textField } from './fields.ts'
import { listOf } from './kv1.ts'
import { roleToken, tokenSettings } from './token-settings.ts'

interface SecretId {
  readonly endsAtMs: number
  /** 0: no limit. */
  usesLeft: number
}

interface Role {
  readonly name: string
  roleId: string
  settings: JsonObject
  readonly secretIds: Map<string, SecretId>
}

type Roles = Map<string, Role>

/** AppRole: roles, role ids, secret ids with TTL and uses. Wrap a secret id as any other response. */
export function createAppRole(): Backend {
  const roles: Roles = new Map()
  return {
    isOpen: (rest) => rest === 'login',
    handle(call, state): Outcome {
      if (call.rest === 'login') return login(roles, call, state)
      const [, name = '', part = ''] = /^role\/?([^/]*)\/?(.*)$/.exec(call.rest) ?? []
      if (part === '') return onRole(roles, name, call)
      const role = roles.get(name)
      if (role === undefined) throw new Refusal(404, `role "${name}" does not exist`)
      if (part === 'role-id') return onRoleId(role, call)
      if (part === 'secret-id') return newSecretId(role, call, state)
      throw new Refusal(404, 'unsupported path')
    },
  }
}

function onRole(roles: Roles, name: string, { operation, data }: Call): Outcome {
  if (operation === 'list') return listOf(roles, '')
  const role = roles.get(name)
  if (operation === 'delete') roles.delete(name)
  else if (operation === 'write') {
    if (role === undefined) roles.set(name, { name, roleId: randomUUID(), settings: data, secretIds: new Map() })
    else role.settings = { ...role.settings, ...data }
  } else {
    if (role === undefined) throw new Refusal(404)
    return { data: role.settings }
  }
  return {}
}

function onRoleId(role: Role, { operation, data }: Call): Outcome {
  if (operation !== 'write') return { data: { role_id: role.roleId } }
  role.roleId = textField(data, 'role_id')
  return {}
}

function newSecretId(role: Role, { operation }: Call, { clock }: State): Outcome {
  if (operation !== 'write') throw new Refusal(405, 'unsupported operation')
  const ttlMs = durationMs(role.settings.secret_id_ttl, 0)
  const uses = countField(role.settings, 'secret_id_num_uses', 0)
  const id = randomUUID()
  role.secretIds.set(id, { endsAtMs: ttlMs === 0 ? Infinity : clock.now() + ttlMs, usesLeft: uses })
  return {
    data: {
      secret_id: id,
      secret_id_accessor: randomUUID(),
      secret_id_num_uses: uses,
      secret_id_ttl: secondsOf(ttlMs),
    },
  }
}

function login(roles: Roles, call: Call, { clock }: State): Outcome {
  const roleId = textField(call.data, 'role_id')
  const role = [...roles.values()].find((known) => known.roleId === roleId)
  if (role === undefined) throw new Refusal(400, 'invalid role or secret ID')
  if (role.settings.bind_secret_id !== false) useSecretId(role, textField(call.data, 'secret_id'), clock.now())
  const settings = tokenSettings(role.settings)
  return { login: roleToken(call, settings, 'approle', { role_name: role.name }) }
}

function useSecretId({ secretIds }: Role, id: string, nowMs: number): void {
  const found = secretIds.get(id)
  if (found === undefined || nowMs >= found.endsAtMs) throw new Refusal(400, 'invalid role or secret ID')
  if (found.usesLeft === 0) return
  found.usesLeft -= 1
  if (found.usesLeft === 0) secretIds.delete(id)
}
