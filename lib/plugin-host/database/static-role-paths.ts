import type { BackendReply } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Connections } from './connections.ts'
import type { EngineContext } from './context.ts'
import { credentialTerms } from './credential-config.ts'
import type { Fields, FieldValues } from './fields.ts'
import { type EnginePath, LIST_FIELDS, listHandler, type PathCall } from './path.ts'
import type { AllRecords, StaticRoleRecord } from './records.ts'
import { answer, refuse } from './reply.ts'
import { rotateRoot } from './root-rotation.ts'
import { dueMs, type StaticRoles } from './static-roles.ts'
import type { StaticRoleTerms } from './static-rotation.ts'

const FIELDS: Fields = {
  credential_config: 'pairs',
  credential_type: 'text',
  db_name: 'text',
  rotation_period: 'duration',
  rotation_statements: 'texts',
  username: 'text',
}

/** Shortest period; milliseconds. */
const MIN_PERIOD_MS = 5_000

/** `static-roles/` and `static-roles/:name`. */
export function staticRolePaths(records: AllRecords, roles: StaticRoles): readonly EnginePath[] {
  const { staticRoles } = records
  const write = async ({ name, values }: PathCall): Promise<BackendReply> => {
    await roles.write(name, (before) => merged(before, values))
    return {}
  }
  return [
    {
      folder: 'static-roles',
      isNamed: true,
      fields: FIELDS,
      exists: async (name) => (await staticRoles.get(name)) !== undefined,
      summary: 'Take over the credentials of a user that is there.',
      description:
        'Its credential is replaced when the role is written first, and then each time its rotation period has gone by.',
      operations: {
        create: write,
        update: write,
        read: async ({ name }) => shown(await staticRoles.get(name)),
        delete: async ({ name }) => {
          await roles.delete(name)
          return {}
        },
      },
    },
    {
      folder: 'static-roles',
      isNamed: false,
      fields: LIST_FIELDS,
      summary: 'List the static roles.',
      description: 'Gives the names alone.',
      operations: { list: listHandler(staticRoles.list) },
    },
  ]
}

/** `static-creds/:name`, `rotate-role/:name` and `rotate-root/:name`. */
export function rotationPaths(
  context: EngineContext,
  records: AllRecords,
  connections: Connections,
  roles: StaticRoles,
): readonly EnginePath[] {
  return [
    {
      folder: 'static-creds',
      isNamed: true,
      fields: {},
      summary: 'Read the credential of a static role.',
      description: 'It is the same for everyone, until it is rotated: `ttl` says in how many seconds.',
      operations: {
        read: async ({ name }) => {
          const role = await records.staticRoles.get(name)
          if (role === undefined) throw refuse(`unknown role: ${name}`)
          await connections.recordFor(role.dbName, name)
          return answer(credentialOf(role, context.clock.wallTime()))
        },
      },
    },
    {
      folder: 'rotate-role',
      isNamed: true,
      fields: {},
      summary: 'Rotate the credential of a static role now.',
      description: 'Its period begins anew.',
      operations: {
        update: async ({ name }) => {
          await roles.rotate(name)
          return {}
        },
      },
    },
    {
      folder: 'rotate-root',
      isNamed: true,
      fields: {},
      summary: 'Give the user of a connection a password that nobody else knows.',
      description: 'The password cannot be read back.',
      operations: { update: ({ name }) => rotateRoot(context, records, connections, name) },
    },
  ]
}

function merged(before: StaticRoleRecord | undefined, values: FieldValues): StaticRoleTerms {
  const dbName = values.text('db_name') ?? before?.dbName ?? ''
  if (dbName === '') throw refuse('database name is a required field')
  const username = values.text('username') ?? ''
  if (before === undefined && username === '') throw refuse('username is a required field to create a static account')
  if (before !== undefined && username !== before.username) throw refuse('cannot update static account username')
  const period = values.duration('rotation_period')
  if (period === undefined && before === undefined)
    throw refuse('rotation_period is required to create static accounts')
  if (period !== undefined && period < MIN_PERIOD_MS) throw refuse('rotation_period must be 5 seconds or more')
  return {
    dbName,
    username,
    rotationPeriodMs: period ?? before?.rotationPeriodMs ?? MIN_PERIOD_MS,
    rotationStatements: values.texts('rotation_statements') ?? before?.rotationStatements ?? [],
    ...credentialTerms(values, before),
  }
}

function shown(role: StaticRoleRecord | undefined): BackendReply {
  if (role === undefined) return {}
  const data: JsonObject = {
    credential_type: role.credentialType,
    db_name: role.dbName,
    last_vault_rotation: new Date(role.lastRotationMs).toISOString(),
    rotation_period: role.rotationPeriodMs / 1000,
    rotation_statements: role.rotationStatements,
    username: role.username,
    ...(Object.keys(role.credentialConfig).length === 0 ? {} : { credential_config: role.credentialConfig }),
  }
  return answer(data)
}

function credentialOf(role: StaticRoleRecord, nowMs: number): JsonObject {
  const { credential } = role
  return {
    last_vault_rotation: new Date(role.lastRotationMs).toISOString(),
    ...(credential.type === 'rsa_private_key'
      ? { rsa_private_key: credential.privateKey }
      : { password: credential.password }),
    rotation_period: role.rotationPeriodMs / 1000,
    ttl: Math.max(0, Math.round((dueMs(role) - nowMs) / 1000)),
    username: role.username,
  }
}
