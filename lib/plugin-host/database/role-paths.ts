import type { BackendReply } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import { credentialTerms } from './credential-config.ts'
import type { Fields, FieldValues } from './fields.ts'
import { type EnginePath, LIST_FIELDS, listHandler, type PathCall } from './path.ts'
import type { AllRecords, RoleRecord } from './records.ts'
import { answer, refuse } from './reply.ts'

const FIELDS: Fields = {
  creation_statements: 'texts',
  credential_config: 'pairs',
  credential_type: 'text',
  db_name: 'text',
  default_ttl: 'duration',
  max_ttl: 'duration',
  renew_statements: 'texts',
  revocation_statements: 'texts',
  rollback_statements: 'texts',
}

/** `roles/` and `roles/:name`. */
export function rolePaths(records: AllRecords): readonly EnginePath[] {
  const { roles } = records
  const write = (call: PathCall): Promise<BackendReply> => written(records, call)
  return [
    {
      folder: 'roles',
      isNamed: true,
      fields: FIELDS,
      exists: async (name) => (await roles.get(name)) !== undefined,
      summary: 'Say what users a connection makes.',
      description:
        'A role names a connection and the statements by which users are created, renewed, revoked and rolled back. What a write leaves out stays as it was.',
      operations: {
        create: write,
        update: write,
        read: async ({ name }) => shown(await roles.get(name)),
        delete: async ({ name }) => {
          await roles.put(name, undefined)
          return {}
        },
      },
    },
    {
      folder: 'roles',
      isNamed: false,
      fields: LIST_FIELDS,
      summary: 'List the roles.',
      description: 'Gives the names alone.',
      operations: { list: listHandler(roles.list) },
    },
  ]
}

async function written({ roles, staticRoles }: AllRecords, { name, values }: PathCall): Promise<BackendReply> {
  if ((await staticRoles.get(name)) !== undefined) throw refuse('Role and Static Role names must be unique')
  await roles.put(name, merged(await roles.get(name), values))
  return {}
}

function merged(before: RoleRecord | undefined, values: FieldValues): RoleRecord {
  const dbName = values.text('db_name') ?? before?.dbName ?? ''
  if (dbName === '') throw refuse('database name is required')
  return {
    dbName,
    creationStatements: values.texts('creation_statements') ?? before?.creationStatements ?? [],
    revocationStatements: values.texts('revocation_statements') ?? before?.revocationStatements ?? [],
    rollbackStatements: values.texts('rollback_statements') ?? before?.rollbackStatements ?? [],
    renewStatements: values.texts('renew_statements') ?? before?.renewStatements ?? [],
    defaultTtlMs: values.duration('default_ttl') ?? before?.defaultTtlMs ?? 0,
    maxTtlMs: values.duration('max_ttl') ?? before?.maxTtlMs ?? 0,
    ...credentialTerms(values, before),
  }
}

function shown(role: RoleRecord | undefined): BackendReply {
  if (role === undefined) return {}
  const data: JsonObject = {
    creation_statements: role.creationStatements,
    credential_type: role.credentialType,
    db_name: role.dbName,
    default_ttl: role.defaultTtlMs / 1000,
    max_ttl: role.maxTtlMs / 1000,
    renew_statements: role.renewStatements,
    revocation_statements: role.revocationStatements,
    rollback_statements: role.rollbackStatements,
    ...(Object.keys(role.credentialConfig).length === 0 ? {} : { credential_config: role.credentialConfig }),
  }
  return answer(data)
}
