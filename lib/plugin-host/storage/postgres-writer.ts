import { Buffer } from 'node:buffer'
import type { Client } from 'pg'
import { StorageError } from '../../errors/index.ts'
import { systemRandom } from '../../system/random.ts'
import { failed, type PgModule } from './postgres-failure.ts'
import type { Batch } from './write-queue.ts'

/** First half of the number of our advisory locks; the second is the table. */
const LOCK_CLASS = 0x706f7274

/** Key of the row that says who has the storage. No key of a store is empty. */
const OWNER_KEY = Buffer.alloc(0)

/**
 * The one connection that writes, and holds the lock while it lives: without the lock there is no way to write.
 *
 * Calls of {@link commit} must not overlap.
 */
export class PostgresWriter {
  readonly #pg: PgModule
  readonly #config: Readonly<Record<string, unknown>>
  readonly #table: string
  readonly #writeText: string
  /** Written to the table by each open: who finds another's knows that it has been replaced. */
  readonly #owner: string = systemRandom.uuid()
  #client: Client | undefined
  #isClosed = false

  constructor(pg: PgModule, config: Readonly<Record<string, unknown>>, table: string) {
    this.#pg = pg
    // Of the pool alone.
    const { max: _max, ...rest } = config
    this.#config = rest
    this.#table = table
    this.#writeText = `WITH gone AS (DELETE FROM ${table} WHERE key = ANY($1::bytea[]))
      INSERT INTO ${table} (key, value) SELECT * FROM unnest($2::bytea[], $3::bytea[])
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`
  }

  /** Takes the storage, and makes its table. @throws {StorageError} `ERR_PORTCULLIS_STORAGE_LOCKED`, `ERR_PORTCULLIS_STORAGE_FAILED`. */
  async open(): Promise<void> {
    this.#client = await this.#connect(async (client) => {
      await this.#makeTable(client)
      await this.#lock(client)
      await client.query(this.#writeText, [[], [OWNER_KEY], [Buffer.from(this.#owner)]])
    })
  }

  /** Writes a batch, as one statement, which is one transaction. */
  async commit(batch: Batch): Promise<void> {
    const gone: Buffer[] = []
    const keys: Buffer[] = []
    const values: Uint8Array[] = []
    for (const [key, value] of batch) {
      if (value === undefined) gone.push(Buffer.from(key))
      else if (keys.push(Buffer.from(key)) > 0) values.push(value)
    }
    const client = this.#client ?? (await this.#reconnect())
    this.#client = client
    try {
      await client.query({ name: 'portcullis-write', text: this.#writeText, values: [gone, keys, values] })
    } catch (error) {
      // Whatever it is, a new connection is in no doubt about its state.
      this.#drop(client)
      throw failed(`cannot write to ${this.#table}`, error)
    }
  }

  /** Idempotent; nothing may be in flight. */
  async close(): Promise<void> {
    this.#isClosed = true
    const client = this.#client
    this.#client = undefined
    await client?.end()
  }

  #reconnect(): Promise<Client> {
    return this.#connect(async (client) => {
      await this.#lock(client)
      const text = `SELECT value FROM ${this.#table} WHERE key = $1`
      const { rows } = await client.query<{ value: Buffer }>(text, [OWNER_KEY])
      if (rows[0]?.value.toString() === this.#owner) return
      const message = `another process has used ${this.#table} meanwhile: open the storage anew`
      throw new StorageError('ERR_PORTCULLIS_STORAGE_LOCKED', message, { temporary: false })
    })
  }

  /** A new connection, made ready by `prepare`. */
  async #connect(prepare: (client: Client) => Promise<void>): Promise<Client> {
    if (this.#isClosed) throw new StorageError('ERR_PORTCULLIS_STORAGE_CLOSED', `${this.#table} is closed`)
    const client = new this.#pg.Client({ ...this.#config, application_name: `portcullis ${this.#owner}` })
    // Of a connection that is cut while nobody asks anything of it.
    client.on('error', () => this.#drop(client))
    client.on('end', () => this.#drop(client))
    try {
      await client.connect()
      await client.query(`SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'`)
      await prepare(client)
      return client
    } catch (error) {
      await client.end().catch(() => {})
      throw failed(`cannot open ${this.#table}`, error)
    }
  }

  async #makeTable(client: Client): Promise<void> {
    const { rows } = await client.query<{ isThere: boolean }>('SELECT to_regclass($1) IS NOT NULL AS "isThere"', [
      this.#table,
    ])
    // Asked first, since "if not exists" needs the right to make tables even where there is one.
    if (rows[0]?.isThere === true) return
    // Two that make it at once would collide in the catalog.
    await client.query(`BEGIN;
      SELECT pg_advisory_xact_lock(${LOCK_CLASS}::bigint << 32);
      CREATE TABLE IF NOT EXISTS ${this.#table} (key bytea PRIMARY KEY, value bytea NOT NULL);
      COMMIT`)
  }

  async #lock(client: Client): Promise<void> {
    if (await this.#tryLock(client)) return
    // Our own last connection can live on at the server, for as long as nobody tells it that its client is gone.
    const text =
      'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()'
    const { rowCount } = await client.query(text, [`portcullis ${this.#owner}`])
    if ((rowCount ?? 0) > 0 && (await this.#tryLock(client))) return
    const message = `${this.#table} is in use by another process, or by another open storage of this one`
    throw new StorageError('ERR_PORTCULLIS_STORAGE_LOCKED', message)
  }

  async #tryLock(client: Client): Promise<boolean> {
    const text = `SELECT pg_try_advisory_lock((${LOCK_CLASS}::bigint << 32) | to_regclass($1)::oid::bigint) AS "isOurs"`
    const { rows } = await client.query<{ isOurs: boolean }>(text, [this.#table])
    return rows[0]?.isOurs === true
  }

  #drop(client: Client): void {
    if (this.#client !== client) return
    this.#client = undefined
    client.end().catch(() => {})
  }
}
