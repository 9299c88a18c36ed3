import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect, promisify } from 'node:util'
import pg, { type PoolClient } from 'pg'
import { leasedPool } from 'portcullis/pg'
import { startPostgres } from '../../support/postgres.ts'
import { createUser, type FakeLease, sessions } from './fake-lease.ts'
import { opened, whoAmI } from './opened.ts'

test('a leased pool is a pg.Pool', async (t) => {
  const postgres = await startPostgres(t)

  await t.test('by instanceof, for libraries that take one', async (t) => {
    assert.ok((await opened(t, postgres)).pool instanceof pg.Pool)
  })

  await t.test('with callbacks', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    const name = await new Promise((resolve, reject) => {
      pool.connect((error, client, done) => {
        if (client === undefined) return reject(error)
        void client.query('SELECT current_user AS name', (error, result) => {
          done()
          if (error) reject(error)
          else resolve(result.rows[0].name)
        })
      })
    })
    assert.equal(name, lease.user)
    assert.equal(pool.idleCount, 1)
    const rows = await new Promise((resolve) => {
      void pool.query('SELECT $1::int AS one', [1], (_error, result) => resolve(result.rows))
    })
    assert.deepEqual(rows, [{ one: 1 }])
    await new Promise<void>((resolve) => pool.end(resolve))
    const refused = await new Promise((resolve) => pool.connect((error) => resolve(error)))
    assert.match(String(refused), /after calling end/)
  })

  await t.test('in its counts and events, over the old and the new user', async (t) => {
    const { lease, pool } = await opened(t, postgres, { max: 2 })
    const events: string[] = []
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const) pool.on(event, () => events.push(event))
    const first = await pool.connect()
    const rotation = lease.rotate()
    const second = await pool.connect()
    const third = pool.connect()
    const { totalCount, waitingCount } = pool
    first.release()
    second.release()
    ;(await third).release()
    await rotation
    // The proof of the successor is one more than `max`, while it lasts.
    assert.ok(totalCount >= 2 && totalCount <= 3 && waitingCount === 1, `${totalCount} ${waitingCount}`)
    assert.equal(pool.totalCount, pool.idleCount)
    assert.equal(events.filter((event) => event === 'acquire').length, events.filter((one) => one === 'release').length)
    await pool.end()
    assert.equal(pool.totalCount, 0)
    assert.equal(events.filter((event) => event === 'connect').length, events.filter((one) => one === 'remove').length)
  })

  await t.test('that throws when a client is released twice, and gives no turn away by it', async (t) => {
    const { pool } = await opened(t, postgres, { max: 1 })
    const client = await pool.connect()
    client.release()
    assert.throws(() => client.release(), /already been released/)
    const [first] = await Promise.all([pool.connect()])
    const second = pool.connect()
    assert.equal(pool.waitingCount, 1)
    first?.release()
    ;(await second).release()
  })

  await t.test('whose waiters time out with its words', async (t) => {
    const { pool } = await opened(t, postgres, { max: 1, connectionTimeoutMillis: 500 })
    const client = await pool.connect()
    await assert.rejects(pool.connect(), { message: 'timeout exceeded when trying to connect' })
    assert.equal(pool.waitingCount, 0)
    client.release()
    assert.equal(typeof (await whoAmI(pool)), 'string')
  })

  await t.test('whose end refuses waiters, waits for who is served, and unhooks from the lease', async (t) => {
    const { lease, pool } = await opened(t, postgres, { max: 1 })
    const client: PoolClient = await pool.connect()
    const waiting = pool.connect()
    const ends = [pool.end(), pool.end()]
    await assert.rejects(waiting, /after calling end/)
    assert.deepEqual([pool.ending, pool.ended, lease.hooks], [true, false, 0])
    await client.query('SELECT 1')
    client.release()
    await Promise.all(ends)
    assert.equal(pool.ended, true)
    assert.ok(!(await sessions(postgres)).includes(lease.user))
    await assert.rejects(pool.query('SELECT 1'), /after calling end/)
  })

  await t.test('that shows no password', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    await whoAmI(pool)
    const shown = inspect(pool, { depth: 20, showHidden: true }) + JSON.stringify(pool)
    assert.ok(!shown.includes(lease.current().data.password))
  })

  await t.test('that lets the process end, as pg does', async () => {
    const { username, password } = await createUser(postgres)
    const program = fileURLToPath(new URL('one-query.ts', import.meta.url))
    const args = ['-C', 'portcullis-source', program, String(postgres.port), username, password]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 9_000 })
    assert.equal(stdout.trim(), username)
  })
})

test('options that say who logs in are refused, by name and without their value', () => {
  const lease = {} as FakeLease
  for (const name of ['user', 'password', 'connectionString']) {
    const options = { [name]: 'postgres://u:hidden@db/orders' }
    assert.throws(
      () => leasedPool(lease, options),
      (error) => error instanceof TypeError && error.message.includes(name) && !error.message.includes('hidden'),
    )
  }
})

test('what is no lease is refused by name, an answer too', () => {
  for (const wrong of [undefined, null, { data: { username: 'u', password: 'hidden' } }]) {
    assert.throws(
      () => leasedPool(wrong as never, {}),
      (error) =>
        error instanceof TypeError && /^lease must be/.test(error.message) && !error.message.includes('hidden'),
    )
  }
})
