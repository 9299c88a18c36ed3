import type { ConnectionOptions } from 'node:tls'
import type { JsonObject } from '../../../model/json.ts'
import { FieldRefusal } from '../../fields/check.ts'
import { compileFields } from '../../fields/fields.ts'
import type { FieldsSchema } from '../../fields/schema.ts'
import { PluginRefusal } from '../../refusal.ts'
import { readConnectionUrl, type Target } from './connection-url.ts'
import { formsOf } from './failure.ts'
import { compileUsernameTemplate, DEFAULT_TEMPLATE, type UsernameTemplate } from './username-template.ts'

/** Configuration of a connection, read. */
export interface PostgresqlConfig {
  readonly target: Target
  /** `false`: none. */
  readonly tls: ConnectionOptions | false
  /** Where the database has no TLS, go on without. */
  readonly mayBePlain: boolean
  readonly maxOpen: number
  readonly maxIdle: number
  /** 0: no limit. */
  readonly maxLifetimeSeconds: number
  readonly usernameOf: UsernameTemplate
  /** Send what SCRAM stores, not passwords. */
  readonly hashesPasswords: boolean
  /** What no message may hold. */
  readonly secrets: readonly string[]
}

const MAX_OPEN = 4
/** What "no limit" is here. */
const UNLIMITED = 1_000

const FIELDS = {
  properties: {
    connection_url: { type: 'string', default: '' },
    username: { type: 'string', default: '' },
    password: { type: 'string', default: '' },
    disable_escaping: { type: 'boolean', default: false },
    max_open_connections: { type: 'integer', default: 0 },
    max_idle_connections: { type: 'integer', default: 0 },
    max_connection_lifetime: { type: 'integer', format: 'duration', default: 0 },
    username_template: { type: 'string', default: '' },
    password_authentication: { type: 'string', enum: ['', 'password', 'scram-sha-256'], default: '' },
    tls_ca: { type: 'string', default: '' },
    tls_certificate: { type: 'string', default: '' },
    private_key: { type: 'string', default: '' },
  },
} as const satisfies FieldsSchema

/** Values of {@link FIELDS}, all of which have a default. */
interface Fields {
  readonly connection_url: string
  readonly username: string
  readonly password: string
  readonly disable_escaping: boolean
  readonly max_open_connections: number
  readonly max_idle_connections: number
  readonly max_connection_lifetime: number
  readonly username_template: string
  readonly password_authentication: string
  readonly tls_ca: string
  readonly tls_certificate: string
  readonly private_key: string
}

const read = compileFields({ ...FIELDS, additionalProperties: true })

/**
 * Reads what an operator wrote to `config/<name>`.
 *
 * @throws {PluginRefusal} naming the field, never its value.
 */
export function readConfig(config: JsonObject): PostgresqlConfig {
  const fields = fieldsOf(config)
  if (fields.connection_url === '') throw new PluginRefusal('connection_url cannot be empty')
  const { username, password, disable_escaping: isEncoded } = fields
  const target = readConnectionUrl(fields.connection_url, { username, password, isEncoded })
  const { tls, mayBePlain } = tlsOf(target, fields)
  const maxOpen = limitOf(fields.max_open_connections, MAX_OPEN)
  return {
    target,
    tls,
    mayBePlain,
    maxOpen,
    maxIdle: Math.min(fields.max_idle_connections < 0 ? 0 : fields.max_idle_connections || maxOpen, maxOpen),
    maxLifetimeSeconds: fields.max_connection_lifetime,
    usernameOf: templateOf(fields.username_template),
    hashesPasswords: fields.password_authentication === 'scram-sha-256',
    secrets: [...formsOf(password), ...formsOf(target.password), ...formsOf(fields.private_key)],
  }
}

function fieldsOf(config: JsonObject): Fields {
  try {
    return read(config, {}, 'write').values as unknown as Fields
  } catch (error) {
    throw error instanceof FieldRefusal ? new PluginRefusal(error.message) : error
  }
}

function limitOf(given: number, standard: number): number {
  if (given < 0) return UNLIMITED
  return given === 0 ? standard : Math.min(given, UNLIMITED)
}

/** Tried once, so that a template which can make no name is refused now. */
function templateOf(text: string): UsernameTemplate {
  const template = compileUsernameTemplate(text === '' ? DEFAULT_TEMPLATE : text)
  if (template({ displayName: 'display', roleName: 'role' }) === '')
    throw new PluginRefusal('username_template makes an empty name')
  return template
}

function tlsOf(target: Target, fields: Fields): Pick<PostgresqlConfig, 'tls' | 'mayBePlain'> {
  const { tls_ca: ca, tls_certificate: cert, private_key: key } = fields
  const hasFiles = ca !== '' || cert !== ''
  const mode = target.sslmode ?? (hasFiles ? 'verify-full' : 'prefer')
  const files = { ...(ca === '' ? {} : { ca }), ...(cert === '' ? {} : { cert, key }) }
  const anyName = { checkServerIdentity: () => undefined }
  switch (mode) {
    case 'disable':
      return { tls: false, mayBePlain: false }
    case 'allow':
    case 'prefer':
      return { tls: { ...files, rejectUnauthorized: false }, mayBePlain: true }
    case 'require':
      // With an authority it is what `verify-ca` is, as everywhere.
      return { tls: { ...files, ...anyName, rejectUnauthorized: ca !== '' }, mayBePlain: false }
    case 'verify-ca':
      return { tls: { ...files, ...anyName, rejectUnauthorized: true }, mayBePlain: false }
    case 'verify-full':
      return { tls: { ...files, rejectUnauthorized: true }, mayBePlain: false }
    default:
      throw new PluginRefusal('connection_url has an unknown sslmode')
  }
}
