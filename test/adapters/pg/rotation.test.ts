import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { startPostgres } from '../../support/postgres.ts'
import { createUser, sessions } from './fake-lease.ts'
import { opened, untilEqual, whoAmI } from './opened.ts'

test('a pool over a lease that rotates', async (t) => {
  const postgres = await startPostgres(t)

  await t.test('no query fails while users come and go, and none of the old ones is left', async (t) => {
    const { lease, pool } = await opened(t, postgres, { max: 8 })
    let [asked, failed, most] = [0, 0, 0]
    pool.on('error', () => failed++)
    pool.on('connect', () => {
      most = Math.max(most, pool.totalCount)
    })
    const queries: Promise<unknown>[] = []
    const ask = setInterval(() => {
      asked++
      queries.push(pool.query('SELECT pg_sleep(0.02)').catch(() => failed++))
    }, 5)
    const logged = postgres.log().length
    for (let rotations = 0; rotations < 10; rotations++) {
      await after(300)
      await lease.rotate()
    }
    clearInterval(ask)
    await Promise.all(queries)

    assert.ok(asked > 200, `${asked} queries`)
    assert.equal(failed, 0)
    assert.ok(most <= 9, `${most} connections`)
    assert.deepEqual([...new Set(await sessions(postgres))], [lease.user])
    assert.doesNotMatch(postgres.log().slice(logged), /FATAL/)
  })

  await t.test('a transaction goes on over a rotation, and the old user is kept until it ends', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    const old = lease.user
    const client = await pool.connect()
    await client.query('BEGIN')
    const rotation = lease.rotate()
    await untilEqual(() => lease.generation, 2)
    const [other, own] = await Promise.all([whoAmI(pool), client.query('SELECT current_user AS name')])
    assert.equal(other, lease.user)
    assert.equal(own.rows[0].name, old)
    assert.equal(await Promise.race([rotation.then(() => 'over'), after(100, 'waiting')]), 'waiting')

    await client.query('COMMIT')
    client.release()
    await rotation
    assert.deepEqual(await sessions(postgres), [lease.user])
  })

  await t.test('a commit resolves when PostgreSQL has no session of the old user', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    await Promise.all([whoAmI(pool), whoAmI(pool), whoAmI(pool)])
    let left: unknown[] = ['not asked']
    const { username } = lease.current().data
    lease.onRotate({
      // Runs after the pool's.
      commit: async () => {
        left = (await sessions(postgres)).filter((user) => user === username)
      },
    })
    await lease.rotate()
    assert.deepEqual(left, [])
  })

  await t.test('those who wait for the only connection get one of the new user', async (t) => {
    const { lease, pool } = await opened(t, postgres, { max: 1, connectionTimeoutMillis: 5_000 })
    const client = await pool.connect()
    const waiting = [whoAmI(pool), whoAmI(pool), whoAmI(pool)]
    const rotation = lease.rotate()
    await untilEqual(() => lease.generation, 2)
    assert.equal(pool.waitingCount, 3)

    client.release()
    assert.deepEqual(await Promise.all(waiting), Array(3).fill(lease.user))
    await rotation
  })

  await t.test('a connection asked for in the moment of the rotation is not forgotten', async (t) => {
    const { lease, pool } = await opened(t, postgres, { max: 2 })
    await whoAmI(pool)
    let asked: Promise<string>[] = []
    lease.onRotate({
      prepare: () => {
        asked = [whoAmI(pool), whoAmI(pool), whoAmI(pool)]
      },
    })
    await lease.rotate()
    assert.equal((await Promise.all(asked)).length, 3)
  })

  await t.test('a successor that cannot log in is refused, and the pool goes on as it was', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    const { username } = await createUser(postgres)
    const old = lease.user
    await assert.rejects(lease.rotate({ username, password: 'wrong' }), { code: '28P01' })
    assert.equal(await whoAmI(pool), old)
    assert.equal(pool.totalCount, 1)

    await lease.rotate()
    assert.equal(await whoAmI(pool), lease.user)
  })

  await t.test('a successor that was proved but never came is let go at the next rotation', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    const given: string[] = []
    const refuse = lease.onRotate({
      prepare: (next) => {
        given.push(next.data.username)
        throw new Error('another holder refuses')
      },
    })
    await assert.rejects(lease.rotate(), /another holder/)
    refuse()
    await lease.rotate()
    assert.equal(await whoAmI(pool), lease.user)
    assert.deepEqual(await sessions(postgres), [lease.user])
    assert.equal(given.length, 1)
  })

  await t.test('a password alone may change', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    await whoAmI(pool)
    const { username } = lease.current().data
    await postgres.query(`ALTER ROLE "${username}" PASSWORD 'second'`)
    await lease.rotate({ username, password: 'second' })
    assert.equal(pool.totalCount, 1)
    assert.deepEqual(await Promise.all([whoAmI(pool), whoAmI(pool)]), [username, username])
  })

  await t.test('a lease that ends closes idle connections, and its error is that of who connects', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    const client = await pool.connect()
    await whoAmI(pool)
    lease.end(new Error('lease lost'))
    await assert.rejects(whoAmI(pool), /lease lost/)
    assert.equal(pool.idleCount, 0)
    await client.query('SELECT 1')
    client.release()
    await untilEqual(() => pool.totalCount, 0)
  })
})
