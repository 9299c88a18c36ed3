import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { launchPostgres, type Postgres, type Rows } from '../../../examples/support/postgres.ts'
import type { StorageDriver } from '../../../lib/plugin-host/storage/driver.ts'
import { DRIVER_LIMITS } from '../../../lib/plugin-host/storage/key.ts'
import { type PostgresOptions, postgres } from '../../../lib/plugin-host/storage/postgres.ts'
import { rootKeyOf } from '../../../lib/plugin-host/storage/root-key.ts'
import { createStorage } from '../../../lib/plugin-host/storage/storage.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { launched } from '../../support/real-servers.ts'
import { put, suite, textOf } from './suite.ts'

let server: Promise<Postgres> | undefined
let tables = 0

/** One server for all tests; where it cannot be had, each is skipped. */
async function driverFor(t: TestContext, options: PostgresOptions = {}): Promise<StorageDriver> {
  const { adminUrl } = await serverFor(t)
  tables += 1
  return postgres({ connectionString: adminUrl, table: `storage_${tables}`, ...options })
}

async function serverFor(t: TestContext): Promise<Postgres> {
  server ??= launchPostgres()
  const one = await server.catch(() => launched(t, launchPostgres))
  return one
}

after(async () => (await server?.catch(() => undefined))?.stop())

async function opened(t: TestContext, driver: StorageDriver): Promise<Store> {
  const store = await driver.open()
  t.after(() => store.close())
  return store
}

suite(
  'postgres',
  async (t) => {
    const driver = await driverFor(t)
    return { store: await opened(t, driver), reopen: () => opened(t, driver) }
  },
  { ...DRIVER_LIMITS, runs: 25 },
)

suite(
  'barrier on postgres',
  async (t) => {
    const driver = await driverFor(t)
    const rootKey = rootKeyOf(randomBytes(32))
    const make = async (): Promise<Store> => {
      const storage = await createStorage({ driver, rootKey })
      t.after(() => storage.close())
      return storage
    }
    return { store: await make(), reopen: make }
  },
  { maxKeyBytes: 1024, maxValueBytes: 1024 * 1024, runs: 10 },
)

const LOCKED = { name: 'StorageError', code: 'ERR_PORTCULLIS_STORAGE_LOCKED' }
const FAILED = { name: 'StorageError', code: 'ERR_PORTCULLIS_STORAGE_FAILED' }

test('a table is open once, and free again when it is closed', async (t) => {
  const driver = await driverFor(t)
  const first = await opened(t, driver)
  await assert.rejects(driver.open(), { ...LOCKED, temporary: true })
  await first.write([put('a', 'x')])
  await first.close()
  assert.equal(textOf(await (await opened(t, driver)).get('a')), 'x')
})

test('of many that open an absent table at once, one has it', async (t) => {
  const driver = await driverFor(t)
  const all = await Promise.allSettled(Array.from({ length: 6 }, () => driver.open()))
  const stores = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  for (const store of stores) t.after(() => store.close())
  assert.equal(stores.length, 1)
  for (const one of all) if (one.status === 'rejected') assert.equal(one.reason.code, LOCKED.code)
})

test('a table in a schema, with a user who may not make tables', async (t) => {
  const { query, port } = await serverFor(t)
  await query('CREATE SCHEMA app')
  await query('CREATE TABLE app.kept (key bytea PRIMARY KEY, value bytea NOT NULL)')
  await query("CREATE ROLE writer LOGIN PASSWORD 'secret'")
  await query('GRANT USAGE ON SCHEMA app TO writer')
  await query('GRANT SELECT, INSERT, UPDATE, DELETE ON app.kept TO writer')
  const pool = { host: '127.0.0.1', port, user: 'writer', password: async () => 'secret', database: 'postgres' }
  const store = await opened(t, postgres({ pool, table: 'app.kept' }))
  await store.write([put('a', 'x')])
  assert.equal(textOf(await store.get('a')), 'x')
})

test('after a cut connection the next calls work', async (t) => {
  const { query } = await serverFor(t)
  const store = await opened(t, await driverFor(t))
  for (let round = 0; round < 3; round++) {
    await store.write([put('a', `${round}`)])
    await store.get('a')
    await query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = $1',
      ['client backend'],
    )
    // What is in flight may fail; a call after that may not.
    await store.write([put('b', `${round}`)]).catch((error) => assert.equal(error.code, FAILED.code))
    await store.get('b').catch((error) => assert.equal(error.code, FAILED.code))
  }
  await store.write([put('b', 'last')])
  assert.equal(textOf(await store.get('b')), 'last')
  assert.equal(textOf(await store.get('a')), '2')
})

test('a write in flight when the connection is cut fails, or has happened as a whole', async (t) => {
  const { query } = await serverFor(t)
  const store = await opened(t, await driverFor(t))
  for (let round = 0; round < 10; round++) {
    const writes = Array.from({ length: 20 }, (_, index) => {
      const changes = ['x', 'y', 'z'].map((name) => put(`${round}/${index}/${name}`, `${round}`))
      return store.write(changes).then(
        () => true,
        () => false,
      )
    })
    await query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'portcullis %'")
    for (const [index, isDone] of (await Promise.all(writes)).entries()) {
      const names = await store.list(`${round}/${index}/`)
      if (isDone) assert.equal(names.length, 3)
      else assert.ok(names.length === 0 || names.length === 3, `${names.length}`)
    }
  }
})

test('who was replaced while it had no connection cannot write any more', async (t) => {
  const { query } = await serverFor(t)
  const driver = await driverFor(t)
  const first = await opened(t, driver)
  await first.write([put('a', 'first')])
  await query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'portcullis %'")
  const second = await opened(t, driver)
  await second.write([put('a', 'second')])
  await assert.rejects(async () => {
    for (let round = 0; round < 3; round++)
      await first.write([put('a', 'late')]).catch((error) => {
        if (error.code !== FAILED.code) throw error
      })
  }, LOCKED)
  await second.close()
  await assert.rejects(first.write([put('a', 'late')]), { ...LOCKED, temporary: false })
  assert.equal(textOf(await first.get('a')), 'second')
})

test('a server that is gone, a refused login and a missing table are errors of ours, without a password', async (t) => {
  const { adminUrl, query } = await serverFor(t)
  const url = new URL(adminUrl)
  url.password = 'PLANTED'
  const refused = postgres({ connectionString: url.href })
  const shown = async (driver: StorageDriver): Promise<string> => {
    const error = await driver.open().then(
      () => assert.fail('opened'),
      (error: unknown) => error,
    )
    assert.equal((error as { code?: unknown }).code, FAILED.code)
    return inspect([error, driver], { depth: Infinity, showHidden: true })
  }
  assert.equal((await shown(refused)).includes('PLANTED'), false)
  assert.equal(
    (await shown(postgres({ connectionString: 'postgresql://u:PLANTED@127.0.0.1:1/x' }))).includes('PLANTED'),
    false,
  )
  const store = await opened(t, await driverFor(t))
  await query(`DROP TABLE storage_${tables}`)
  await assert.rejects(store.get('a'), { ...FAILED, temporary: false })
  await assert.rejects(store.write([put('a', 'x')]), FAILED)
})

test('a list of a large table takes steps along the index', async (t) => {
  const driver = await driverFor(t)
  const filled = await opened(t, driver)
  await filled.write(Array.from({ length: 20_000 }, (_, index) => put(`f${index % 5}/${index}`, 'x')))
  await filled.close()
  const { query } = await serverFor(t)
  const table = `storage_${tables}`
  await query(`VACUUM ANALYZE ${table}`)
  await query('SELECT pg_stat_reset_single_table_counters($1::regclass)', [table])
  const store = await opened(t, driver)
  assert.deepEqual(await store.list(''), ['f0/', 'f1/', 'f2/', 'f3/', 'f4/'])
  // A session tells what it has done when it ends.
  await store.close()
  const text = `SELECT t.seq_tup_read::int AS scanned, i.idx_tup_read::int AS stepped
    FROM pg_stat_user_tables AS t JOIN pg_stat_user_indexes AS i USING (relid) WHERE relid = $1::regclass`
  let row: Rows[number] | undefined
  for (let tries = 0; tries < 100 && Number(row?.stepped ?? 0) < 5; tries++) {
    await delay(20)
    row = (await query(text, [table]))[0]
  }
  assert.equal(row?.scanned, 0)
  assert.ok(Number(row?.stepped) >= 5 && Number(row?.stepped) < 50, `${row?.stepped} entries of the index`)
  assert.equal((await (await opened(t, driver)).list('f3/')).length, 4000)
})

test('durable also where the server would not wait', async (t) => {
  const { query } = await serverFor(t)
  await query('CREATE ROLE hasty LOGIN SUPERUSER PASSWORD $$secret$$')
  await query('ALTER ROLE hasty SET synchronous_commit = off')
  const url = new URL((await serverFor(t)).adminUrl)
  Object.assign(url, { username: 'hasty', password: 'secret' })
  tables += 1
  const store = await opened(t, postgres({ connectionString: url.href, table: `storage_${tables}` }))
  await query(`CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.value := convert_to(current_setting('synchronous_commit'), 'UTF8'); RETURN NEW; END $$`)
  await query(`CREATE TRIGGER seen BEFORE INSERT ON storage_${tables} FOR EACH ROW EXECUTE FUNCTION seen()`)
  await store.write([{ key: 'a', value: Buffer.of() }])
  assert.equal(textOf(await store.get('a')), 'on')
})

test('options are checked', () => {
  for (const options of [
    { table: 'a;b' },
    { table: 'A' },
    { table: 'a.b.c' },
    { table: '' },
    { pool: 5 },
    { connectionString: '' },
    { url: 'x' },
  ]) {
    assert.throws(() => postgres(options as PostgresOptions), TypeError)
  }
})
