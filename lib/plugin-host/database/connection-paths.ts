import type { BackendReply } from '../../model/backend.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { hidesPassword, withoutPassword } from './connection-url.ts'
import type { Connections } from './connections.ts'
import type { EngineContext } from './context.ts'
import type { Fields } from './fields.ts'
import { type EnginePath, listHandler, type PathCall } from './path.ts'
import { checkedVersion } from './plugin-version.ts'
import type { AllRecords, ConnectionRecord } from './records.ts'
import { answer, refuse, warned } from './reply.ts'

const FIELDS: Fields = {
  allowed_roles: 'comma-texts',
  password_policy: 'text',
  plugin_name: 'text',
  plugin_version: 'text',
  root_rotation_statements: 'texts',
  verify_connection: 'flag',
}

/** Never read back. */
const SECRET: ReadonlySet<string> = new Set(['password', 'private_key'])

const URL_WARNING =
  'Password found in connection_url, use a templated url to enable root rotation and prevent read access to password information.'

/** `config/`, `config/:name` and `reset/:name`. */
export function connectionPaths(
  context: EngineContext,
  records: AllRecords,
  connections: Connections,
): readonly EnginePath[] {
  const { connections: stored, pendingRoots } = records
  const write = (call: PathCall): Promise<BackendReply> => written(connections, call)
  return [
    {
      folder: 'config',
      isNamed: true,
      fields: FIELDS,
      exists: async (name) => (await stored.get(name)) !== undefined,
      summary: 'Connect a database plugin to its database.',
      description:
        'What is no parameter of this path is handed to the plugin as its connection details; they are merged with those written before. A write is refused, and changes nothing, where the plugin cannot be initialised with them.',
      operations: {
        create: write,
        update: write,
        read: async ({ name }) => shown(await stored.get(name)),
        delete: async ({ name }) => {
          const changes = [stored.change(name, undefined), pendingRoots.change(name, undefined)]
          await connections.replace(name, () => context.storage.write(changes))
          return {}
        },
      },
    },
    {
      folder: 'config',
      isNamed: false,
      // Without `after` and `limit`, which the server has on the other lists alone.
      fields: {},
      summary: 'List the connections.',
      description: 'Gives the names alone.',
      operations: { list: listHandler(stored.list) },
    },
    {
      folder: 'reset',
      isNamed: true,
      fields: {},
      summary: 'Close the plugin of a connection and start it anew.',
      description: 'Users and roles are not touched.',
      operations: { update: ({ name }) => reset(connections, name) },
    },
  ]
}

async function reset(connections: Connections, name: string): Promise<BackendReply> {
  await connections.record(name)
  await connections.replace(name)
  await connections.use(name, async () => {})
  return {}
}

async function written(connections: Connections, call: PathCall): Promise<BackendReply> {
  const { name, values, data } = call
  const isPasswordKnown = Object.hasOwn(data, 'password')
  const verify = values.flag('verify_connection') ?? true
  const record = await connections.write(name, (before) => merged(before, call), verify, isPasswordKnown)
  return hidesPassword(record.details.connection_url) ? warned(URL_WARNING) : {}
}

function merged(before: ConnectionRecord | undefined, { values, data }: PathCall): ConnectionRecord {
  const pluginName = values.text('plugin_name') ?? before?.pluginName ?? ''
  if (pluginName === '') throw refuse('empty plugin name')
  const version = values.text('plugin_version')
  const details: Record<string, JsonValue> = Object.assign(Object.create(null), before?.details)
  for (const [key, value] of Object.entries(data))
    if (!Object.hasOwn(FIELDS, key) && key !== 'name') details[key] = value
  return {
    pluginName,
    pluginVersion: version === undefined ? (before?.pluginVersion ?? '') : checkedVersion(version),
    details,
    allowedRoles: values.texts('allowed_roles') ?? before?.allowedRoles ?? [],
    rootRotationStatements: values.texts('root_rotation_statements') ?? before?.rootRotationStatements ?? [],
    passwordPolicy: values.text('password_policy') ?? before?.passwordPolicy ?? '',
  }
}

function shown(record: ConnectionRecord | undefined): BackendReply {
  if (record === undefined) return {}
  const details: Record<string, JsonValue> = Object.create(null)
  for (const [key, value] of Object.entries(record.details)) if (!SECRET.has(key)) details[key] = value
  if (typeof details.connection_url === 'string') details.connection_url = withoutPassword(details.connection_url)
  const data: JsonObject = {
    allowed_roles: record.allowedRoles,
    connection_details: details,
    password_policy: record.passwordPolicy,
    plugin_name: record.pluginName,
    plugin_version: record.pluginVersion,
    root_credentials_rotate_statements: record.rootRotationStatements,
  }
  return answer(data)
}
