import type { BackendDefinition, BackendPlugin, DatabaseDefinition, DatabasePlugin } from './definition.ts'
import { compileFields } from './fields/fields.ts'

const NAME = /^\w(?:[\w.-]*\w)?$/
const VERSION = /^v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/

/**
 * Defines a plugin: a secrets engine, an auth method or a database driver, which runs in Vault, OpenBao and the plugin host.
 *
 * Nothing runs yet: `serve()` it, or hand it to `testPlugin()`.
 *
 * @throws {TypeError} naming what is wrong: name, version, a schema, what does not go with the type.
 *
 * @example
 * export const plugin = definePlugin({
 *   name: 'greeter',
 *   version: 'v1.0.0',
 *   type: 'secret',
 *   paths: [path('hello/:name', { read: ({ params }) => data({ greeting: `hello, ${params.name}` }) })],
 * })
 */
export function definePlugin(definition: DatabaseDefinition): DatabasePlugin
export function definePlugin(definition: BackendDefinition): BackendPlugin
export function definePlugin(definition: BackendDefinition | DatabaseDefinition): BackendPlugin | DatabasePlugin {
  const { name, version = '', type } = definition
  if (typeof name !== 'string' || !NAME.test(name) || name.length > 128)
    throw new TypeError(`name must be letters, digits, "_", and "-" or "." within, got ${JSON.stringify(name)}`)
  if (version !== '' && !VERSION.test(version))
    throw new TypeError(`version must be semantic with a leading "v", such as "v1.0.0", got ${JSON.stringify(version)}`)
  if (type === 'database') {
    if (typeof definition.open !== 'function') throw new TypeError('a database plugin needs open()')
    return Object.freeze({ ...definition, version })
  }
  if (type !== 'secret' && type !== 'auth')
    throw new TypeError(`type must be "secret", "auth" or "database", got ${JSON.stringify(type)}`)
  return backend(definition, version)
}

function backend(definition: BackendDefinition, version: string): BackendPlugin {
  const { name, type, secrets = {}, auth, paths } = definition
  if (type === 'auth' && Object.keys(secrets).length > 0)
    throw new TypeError(`plugin "${name}" is an auth method, and so has no secrets`)
  if (type === 'secret' && auth !== undefined)
    throw new TypeError(`plugin "${name}" is a secrets engine, and so has no auth`)
  for (const [key, secret] of Object.entries(secrets))
    if (typeof secret.revoke !== 'function') throw new TypeError(`secret "${key}" needs revoke()`)
  // Schemas are checked now, and compiled again when first asked for: a mount should not pay for paths it never uses.
  if (typeof paths !== 'function') for (const { fields } of paths) compileFields(fields)
  return Object.freeze({ ...definition, version, secrets })
}
