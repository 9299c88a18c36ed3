import { Buffer } from 'node:buffer'
import type { DatabaseDriver, NewUser, UpdateUser } from '../../../model/database.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { PluginLog } from '../../host.ts'
import { PluginRefusal } from '../../refusal.ts'
import { type PostgresqlConfig, readConfig } from './config.ts'
import { Connections, loadPg, type Transaction } from './connections.ts'
import { dropUser, lookUpUser } from './drop-user.ts'
import { failureOf, formsOf } from './failure.ts'
import { scramVerifier } from './scram.ts'
import { commandsOf, fillStatement, type StatementValues } from './statements.ts'

const PASSWORD_STATEMENTS = [`ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}'`]
const EXPIRATION_STATEMENTS = [`ALTER ROLE "{{username}}" VALID UNTIL '{{expiration}}'`]
/** PostgreSQL cuts longer names, and then looks for users under the whole one. */
const MAX_NAME_BYTES = 63

interface Open {
  readonly config: PostgresqlConfig
  readonly connections: Connections
}

/** The users of one PostgreSQL: makes, changes and drops them by the statements of their role. */
export class PostgresqlDriver implements DatabaseDriver {
  readonly #log: PluginLog
  #open: Open | undefined

  constructor(log: PluginLog) {
    this.#log = log
  }

  async initialize(config: JsonObject, verifyConnection: boolean): Promise<JsonObject> {
    const read = readConfig(config)
    const connections = new Connections(await loadPg(), read)
    try {
      if (verifyConnection) await connections.verify()
    } catch (error) {
      await connections.close()
      throw new PluginRefusal(`error verifying connection: ${failureOf(error, read.secrets).message}`)
    }
    const before = this.#open
    this.#open = { config: read, connections }
    await before?.connections.close()
    return config
  }

  async newUser(user: NewUser): Promise<string> {
    const { config } = this.#opened()
    onlyPasswords(user)
    const commands = commandsOf(user.statements)
    if (commands.length === 0) throw new PluginRefusal('empty creation statements')
    const username = nameOf(config, user)
    const values = {
      ...namesOf(username),
      password: await this.#passwordFor(user.password),
      expiration: moment(user.expiresAtMs),
    }
    const secrets = [...formsOf(user.password), ...formsOf(values.password)]
    try {
      await this.#run(secrets, (transaction) => runAll(transaction, commands, values))
    } catch (error) {
      await this.#rollBack(commandsOf(user.rollbackStatements), values)
      throw error
    }
    return username
  }

  async updateUser(user: UpdateUser): Promise<void> {
    this.#opened()
    onlyPasswords(user)
    const { username, password, expiration } = user
    const names = namesOf(username)
    const hashed = password === undefined ? '' : await this.#passwordFor(password.value)
    const secrets = [...formsOf(password?.value ?? ''), ...formsOf(hashed)]
    await this.#run(secrets, async (transaction) => {
      if ((await lookUpUser(transaction, username)) === undefined) throw new PluginRefusal('there is no such user')
      if (password !== undefined)
        await runAll(transaction, given(password.statements, PASSWORD_STATEMENTS), { ...names, password: hashed })
      if (expiration !== undefined)
        await runAll(transaction, given(expiration.statements, EXPIRATION_STATEMENTS), {
          ...names,
          expiration: moment(expiration.atMs),
        })
    })
  }

  async deleteUser(username: string, statements: readonly string[]): Promise<void> {
    const commands = commandsOf(statements)
    if (commands.length === 0) return this.#run([], (transaction) => dropUser(transaction, username))
    try {
      await this.#run([], (transaction) => runAll(transaction, commands, namesOf(username)))
    } catch (error) {
      // Statements are written for a user who is there. What is gone is gone, or the lease would never end.
      const found = await this.#run([], (transaction) => lookUpUser(transaction, username)).catch(() => error)
      if (found !== undefined) throw error
      this.#log.warn('revocation statements failed for a user who is gone')
    }
  }

  async type(): Promise<string> {
    return 'postgresql'
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.connections.close()
  }

  #opened(): Open {
    if (this.#open === undefined) throw new PluginRefusal('the connection is not initialized')
    return this.#open
  }

  async #run<T>(secrets: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const { config, connections } = this.#opened()
    try {
      return await connections.transaction(work)
    } catch (error) {
      throw failureOf(error, [...config.secrets, ...secrets])
    }
  }

  /** The transaction is rolled back already; these are for what it could not undo. */
  async #rollBack(commands: readonly string[], values: StatementValues): Promise<void> {
    if (commands.length === 0) return
    try {
      await this.#run([], (transaction) => runAll(transaction, commands, values))
    } catch {
      this.#log.warn('rollback statements failed')
    }
  }

  async #passwordFor(password: string): Promise<string> {
    return this.#opened().config.hashesPasswords ? scramVerifier(password) : password
  }
}

async function runAll(transaction: Transaction, commands: readonly string[], values: StatementValues): Promise<void> {
  for (const command of commands) await transaction.query(fillStatement(command, values))
}

function given(statements: readonly string[], standard: readonly string[]): readonly string[] {
  const commands = commandsOf(statements)
  return commands.length === 0 ? standard : commands
}

function onlyPasswords({ credentialType }: Pick<NewUser, 'credentialType'>): void {
  if (credentialType !== 'password') throw new PluginRefusal(`credentials of type ${credentialType} are not supported`)
}

function namesOf(username: string): StatementValues {
  return { name: username, username }
}

function nameOf({ usernameOf }: PostgresqlConfig, { displayName, roleName }: NewUser): string {
  let name = usernameOf({ displayName, roleName })
  while (Buffer.byteLength(name) > MAX_NAME_BYTES) name = [...name].slice(0, -1).join('')
  if (name === '') throw new PluginRefusal('username_template makes an empty name')
  return name
}

/** As PostgreSQL and statements of roles expect it: `2026-01-31 13:59:00+0000`. */
function moment(ms: number): string {
  if (!Number.isFinite(ms)) return 'infinity'
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}+0000`
}
