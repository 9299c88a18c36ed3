import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolClient, PoolConfig } from 'pg'
import { PluginRefusal } from '../../refusal.ts'
import type { PostgresqlConfig } from './config.ts'
import { isConflict, isDatabaseError } from './failure.ts'

/** The package `pg`, loaded when it is first needed. */
type PgModule = typeof import('pg')['default']

/** A transaction that is open. */
export interface Transaction {
  /** One or more statements; values only with one. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
}

const TRIES = 5
/** A statement that takes longer is one that waits for a lock which nobody gives up. */
const QUERY_TIMEOUT_MS = 60_000
const IDLE_MS = 60_000

/** Connections of one configuration, made when they are needed. */
export class Connections {
  readonly #pg: PgModule
  readonly #config: PostgresqlConfig
  #pool: Pool
  #isPlain = false

  constructor(pg: PgModule, config: PostgresqlConfig) {
    this.#pg = pg
    this.#config = config
    this.#pool = this.#open(config.tls)
  }

  /** Connects, and asks something. */
  async verify(): Promise<void> {
    await this.#with((client) => client.query('SELECT 1'))
  }

  /**
   * Runs `work` in a transaction; all of it happens, or nothing. Tried again where another one was in the way.
   *
   * Texts are read by the standard's rules, whatever the database is set to: a backslash in `'…'` is a backslash.
   */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#with((client) => inTransaction(client, work))
      } catch (error) {
        if (tries === TRIES || !isConflict(error)) throw error
        await pause(Math.random() * 20 * 2 ** tries)
      }
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end()
  }

  async #with<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    try {
      const result = await work(client)
      client.release(this.#pool.idleCount >= this.#config.maxIdle)
      return result
    } catch (error) {
      // What the database refused it has refused; after anything else nobody knows in what state the connection is.
      client.release(!isDatabaseError(error))
      throw error
    }
  }

  async #connect(): Promise<PoolClient> {
    const pool = this.#pool
    try {
      return await pool.connect()
    } catch (error) {
      const hasNoTls = error instanceof Error && error.message.includes('does not support SSL')
      if (!(hasNoTls && this.#config.mayBePlain)) throw error
      if (!this.#isPlain) {
        this.#isPlain = true
        this.#pool = this.#open(false)
        await pool.end()
      }
      return this.#pool.connect()
    }
  }

  #open(ssl: PoolConfig['ssl']): Pool {
    const { target, maxOpen, maxLifetimeSeconds } = this.#config
    const pool = new this.#pg.Pool({
      host: target.host,
      port: target.port,
      user: target.user,
      // As a function: an empty one would else be looked for in the environment and in files.
      password: () => target.password,
      database: target.database,
      application_name: target.applicationName,
      options: target.options,
      ssl,
      max: maxOpen,
      maxLifetimeSeconds,
      idleTimeoutMillis: IDLE_MS,
      connectionTimeoutMillis: target.connectTimeoutMs,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    })
    // An idle connection that is cut would end the process.
    pool.on('error', () => {})
    return pool
  }
}

async function inTransaction<T>(client: PoolClient, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  await client.query('BEGIN; SET LOCAL standard_conforming_strings = on')
  try {
    const result = await work({
      query: async (sql, values) => {
        const { rows } = await (values === undefined ? client.query(sql) : client.query(sql, [...values]))
        // Of several statements there are several results, and nobody asks for their rows.
        return rows ?? []
      },
    })
    await client.query('COMMIT')
    return result
  } catch (error) {
    if (isDatabaseError(error)) await client.query('ROLLBACK')
    throw error
  }
}

/** @throws {PluginRefusal} the package is not installed. */
export async function loadPg(): Promise<PgModule> {
  try {
    return (await import('pg')).default
  } catch {
    throw new PluginRefusal('the package pg cannot be loaded: install it beside portcullis (npm install pg)')
  }
}
