import { Client, type DatabaseError } from 'pg'
import { PluginError } from '../../../lib/errors/index.ts'
import type { DatabaseDriver, NewUser, UpdateUser } from '../../../lib/model/database.ts'
import type { JsonObject } from '../../../lib/model/json.ts'

/** A driver in this process that says what the server's own PostgreSQL driver says, for comparing engines. */
export function postgresDriver(): DatabaseDriver {
  let config: JsonObject = {}
  const run = async (statements: readonly string[], values: Readonly<Record<string, string>>): Promise<void> => {
    const client = await connected(config, 'unable to start transaction')
    try {
      await client.query('BEGIN')
      for (const statement of statements) {
        const text = statement.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole)
        await client.query(text).catch((error: DatabaseError) => {
          throw error
        })
      }
      await client.query('COMMIT')
    } finally {
      await client.end()
    }
  }
  return {
    async initialize(given, verifyConnection): Promise<JsonObject> {
      if (typeof given.connection_url !== 'string') throw said('connection_url cannot be empty')
      config = given
      if (verifyConnection) await (await connected(config, 'error verifying connection')).end()
      return given
    },
    async newUser(user: NewUser): Promise<string> {
      if (user.statements.length === 0) throw said('empty creation statements')
      const name = `v-${user.displayName}-${user.roleName}-${process.hrtime.bigint()}`
      const expiration = new Date(user.expiresAtMs).toISOString()
      await run(user.statements, { name, username: name, password: user.password, expiration }).catch(
        refused('failed to execute query: '),
      )
      return name
    },
    async updateUser({ username, password, expiration }: UpdateUser): Promise<void> {
      if (password !== undefined) {
        const statements =
          password.statements.length === 0 ? [`ALTER ROLE "{{name}}" PASSWORD '{{password}}'`] : password.statements
        await run(statements, { name: username, password: password.value }).catch(
          refused('failed to execute query: ', true),
        )
      }
      if (expiration !== undefined) {
        const statements =
          expiration.statements.length === 0
            ? [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`]
            : expiration.statements
        await run(statements, { name: username, expiration: new Date(expiration.atMs).toISOString() }).catch(
          refused('', true),
        )
      }
    },
    async deleteUser(username, statements): Promise<void> {
      const all = statements.length === 0 ? ['DROP ROLE IF EXISTS "{{name}}"'] : statements
      await run(all, { name: username }).catch(refused(''))
    },
    type: async () => 'pgx',
    close: async () => {},
  }
}

async function connected(config: JsonObject, action: string): Promise<Client> {
  const fill = (text: string): string =>
    text
      .replace('{{username}}', encodeURIComponent(String(config.username)))
      .replace('{{password}}', encodeURIComponent(String(config.password)))
      .replace('?sslmode=disable', '')
  const url = fill(String(config.connection_url))
  const { hostname, port, username } = new URL(url)
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    const words = wordsOf(error)
    throw said(
      `${action}: failed to connect to \`user=${username} database=postgres\`: ${hostname}:${port} (${hostname}): failed SASL auth: ${words.replace('ERROR', 'FATAL')}`,
    )
  }
}

function wordsOf(error: unknown): string {
  const { message, code } = error as DatabaseError
  return `ERROR: ${message} (SQLSTATE ${code})`
}

function refused(heading: string, isList = false): (error: unknown) => never {
  return (error) => {
    if (error instanceof PluginError) throw error
    const words = `${heading}${wordsOf(error)}`
    throw said(isList ? `1 error occurred:\n\t* ${words}\n\n` : words)
  }
}

function said(detail: string): PluginError {
  return new PluginError('ERR_PORTCULLIS_PLUGIN_DRIVER', 'the driver refused', { detail })
}
