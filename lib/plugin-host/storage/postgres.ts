import { Buffer } from 'node:buffer'
import type { Pool } from 'pg'
import { checkNames, stringOption, typed } from '../../options/check.ts'
import type { Store, StoreChange, StorePage } from '../../ports/store.ts'
import type { StorageDriver } from './driver.ts'
import { InFlight } from './in-flight.ts'
import { byteText, checkChange, checkKey, closed, DRIVER_LIMITS, keyText, quoted } from './key.ts'
import { startAfter } from './names.ts'
import { failed, loadPg, type PgModule } from './postgres-failure.ts'
import { PostgresWriter } from './postgres-writer.ts'
import { WriteQueue } from './write-queue.ts'

/** Options of {@link postgres}. */
export interface PostgresOptions {
  /** `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`. Default: what `pool` or the `PG*` variables say. */
  readonly connectionString?: string
  /** Options as `pg.Pool` takes them: `host`, `password` (also a function), `ssl`, `max` (of readers; default 4), … */
  readonly pool?: Readonly<Record<string, unknown>>
  /** Table, with its schema if need be: lower case letters, digits, `_`. Made where it is absent. Default: `portcullis_storage`. */
  readonly table?: string
}

/**
 * Storage in a table of a PostgreSQL database. Needs the package `pg`.
 *
 * Writes go over one connection, which holds an advisory lock: one process at a time, and what has lost its lock cannot
 * write. Connect to the server itself or to a pooler in session mode; pooling by transaction breaks such locks.
 * A lost connection fails the calls in flight and is made anew at the next call. When another process has held the
 * storage meanwhile, every later write is refused: open it anew. A write of which the connection was lost can have
 * happened. Durable is what the server calls so; `synchronous_commit = off` is turned on for the storage.
 *
 * @throws {TypeError} naming the option.
 */
export function postgres(options: PostgresOptions): StorageDriver {
  checkNames('postgres()', options, ['connectionString', 'pool', 'table'])
  const connectionString = stringOption('connectionString', options.connectionString, undefined)
  const table = stringOption('table', options.table, 'portcullis_storage')
  if (!TABLE.test(table)) throw new TypeError(`table must be of lower case letters, digits and _, got ${quoted(table)}`)
  if (options.pool !== undefined && typeof options.pool !== 'object')
    throw new TypeError(`pool must be an object, got ${typed(options.pool)}`)
  const config = { ...DEFAULTS, ...options.pool, ...(connectionString === undefined ? {} : { connectionString }) }
  return { name: `postgres:${table}`, open: () => openTable(table, config) }
}

const TABLE = /^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/

/** A server that does not answer is one that failed; the calls say so. */
const DEFAULTS = { max: 4, keepAlive: true, connectionTimeoutMillis: 10_000, query_timeout: 60_000 }

async function openTable(table: string, config: Readonly<Record<string, unknown>>): Promise<Store> {
  const pg: PgModule = await loadPg()
  const writer = new PostgresWriter(pg, config, table)
  await writer.open()
  const readers = new pg.Pool({ ...config })
  // An idle connection that is cut would end the process.
  readers.on('error', () => {})
  return new PostgresStore(table, writer, readers)
}

/** Below all bytes that UTF-8 has, and above them. */
const SLASH = '/'
const ABOVE_ALL = '\xff'

class PostgresStore implements Store {
  readonly #table: string
  readonly #writer: PostgresWriter
  readonly #readers: Pool
  readonly #queue: WriteQueue
  readonly #reads = new InFlight()
  readonly #getText: string
  readonly #listText: string
  #closing: Promise<void> | undefined

  constructor(table: string, writer: PostgresWriter, readers: Pool) {
    this.#table = table
    this.#writer = writer
    this.#readers = readers
    this.#queue = new WriteQueue((batch) => writer.commit(batch))
    this.#getText = `SELECT value FROM ${table} WHERE key = $1`
    this.#listText = listText(table)
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check()
    checkKey(key)
    const rows = await this.#rows(`cannot read ${quoted(key)}`, 'portcullis-get', this.#getText, [Buffer.from(key)])
    return rows[0]?.value
  }

  async list(prefix: string, { after = '', limit = Infinity }: StorePage = {}): Promise<readonly string[]> {
    this.#check()
    if (limit <= 0) return []
    const base = byteText(prefix)
    const bounds = [startAfter(base, byteText(after)), pastAll(base)].map((text) => Buffer.from(text, 'latin1'))
    const values = [...bounds, base.length + 1, limit === Infinity ? null : limit]
    const rows = await this.#rows(`cannot list ${quoted(prefix)}`, 'portcullis-list', this.#listText, values)
    return rows.map(({ key }) => nameOf((key ?? Buffer.of()).toString('latin1').slice(base.length)))
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    this.#check()
    for (const change of changes) checkChange(change, DRIVER_LIMITS)
    return this.#queue.write(changes)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([this.#queue.idle(), this.#reads.idle()])
    await Promise.all([this.#writer.close(), this.#readers.end()])
  }

  #check(): void {
    if (this.#closing !== undefined) throw closed(`postgres:${this.#table}`)
  }

  async #rows(what: string, name: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      const query = this.#readers.query<Row>({ name, text, values: [...values] })
      return (await this.#reads.hold(query)).rows
    } catch (error) {
      throw failed(what, error)
    }
  }
}

interface Row {
  readonly key?: Buffer
  readonly value?: Buffer
}

/**
 * One step along the index for each name: from a key to the next, from a folder past all that is in it.
 *
 * $1: first key to look at; $2: end; $3: where names begin, from 1; $4: names at most.
 */
function listText(table: string): string {
  const next = `CASE position('\\x2f'::bytea IN substring(found.key FROM $3::int))
    WHEN 0 THEN found.key || '\\x00'::bytea
    ELSE substring(found.key FROM 1 FOR $3::int - 2 + position('\\x2f'::bytea IN substring(found.key FROM $3::int))) || '\\x30'::bytea
  END`
  return `WITH RECURSIVE found(key) AS (
    (SELECT key FROM ${table} WHERE key >= $1::bytea AND key < $2::bytea ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT below.key FROM ${table} AS below WHERE below.key >= ${next} AND below.key < $2::bytea ORDER BY below.key LIMIT 1)
    FROM found WHERE found.key IS NOT NULL
  ) SELECT key FROM found WHERE key IS NOT NULL LIMIT $4::bigint`
}

/** The first text after all that begin with `base`. */
function pastAll(base: string): string {
  if (base === '') return ABOVE_ALL
  const last = base.length - 1
  return base.slice(0, last) + String.fromCharCode(base.charCodeAt(last) + 1)
}

function nameOf(rest: string): string {
  const slash = rest.indexOf(SLASH)
  return keyText(slash === -1 ? rest : rest.slice(0, slash + 1))
}
