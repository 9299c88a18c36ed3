import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostgres } from '../../support/postgres.ts'
import { dropUser } from './fake-lease.ts'
import { opened, untilEqual, whoAmI } from './opened.ts'

test('a pool whose logins are refused', async (t) => {
  const postgres = await startPostgres(t)

  await t.test('twenty refused at once doubt the lease once, and log in as its successor', async (t) => {
    const { lease, pool } = await opened(t, postgres, { max: 20 })
    await dropUser(postgres, lease.user)
    const names = await Promise.all(Array.from({ length: 20 }, () => whoAmI(pool)))
    assert.deepEqual(names, Array(20).fill(lease.user))
    assert.deepEqual(lease.doubts, [1])
  })

  await t.test('a user that may not log in any more is doubted too', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    await postgres.query(`ALTER ROLE "${lease.user}" NOLOGIN`)
    assert.equal(await whoAmI(pool), lease.user)
    assert.deepEqual(lease.doubts, [1])
  })

  await t.test('a login refused twice is told as PostgreSQL said it, and the next one doubts anew', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    lease.onDoubt = async () => {}
    await dropUser(postgres, lease.user)
    await assert.rejects(whoAmI(pool), { code: '28P01' })
    await assert.rejects(whoAmI(pool), { code: '28P01' })
    assert.deepEqual(lease.doubts, [1, 1])
    assert.equal(pool.totalCount, 0)
  })

  await t.test('where the doubt fails, the refusal is told', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    lease.onDoubt = () => Promise.reject(new Error('server unreachable'))
    await dropUser(postgres, lease.user)
    await assert.rejects(whoAmI(pool), { code: '28P01' })
  })

  await t.test('refusals give their turn back', async (t) => {
    const { lease, pool } = await opened(t, postgres, { max: 1 })
    lease.onDoubt = () => Promise.reject(new Error('server unreachable'))
    await dropUser(postgres, lease.user)
    const refused = await Promise.allSettled([whoAmI(pool), whoAmI(pool), whoAmI(pool)])
    assert.deepEqual(new Set(refused.map(({ status }) => status)), new Set(['rejected']))
    await lease.rotate()
    assert.equal(await whoAmI(pool), lease.user)
  })

  await t.test('other errors of a connection leave the lease alone', async (t) => {
    const { lease, pool } = await opened(t, postgres, { database: 'none' })
    await assert.rejects(whoAmI(pool), { code: '3D000' })
    assert.deepEqual(lease.doubts, [])
  })

  await t.test('idle connections that are cut end nothing but themselves, and are told to who listens', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    await whoAmI(pool)
    await dropUser(postgres, lease.user)
    await untilEqual(() => pool.totalCount, 0)

    assert.equal(await whoAmI(pool), lease.user)
    const told: string[] = []
    pool.on('error', (error) => told.push(error.message))
    await dropUser(postgres, lease.user)
    await untilEqual(() => told.length, 1)
    assert.match(String(told[0]), /terminating connection/)
  })
})
