import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostgres } from '../../support/postgres.ts'
import type { FakeLease } from './fake-lease.ts'
import { opened, whoAmI } from './opened.ts'

/** Takes the value away, until the function that it gives is called. */
function withdraw(lease: FakeLease): () => void {
  const current = lease.current.bind(lease)
  lease.current = () => {
    throw Object.assign(new Error('the lease has ended'), { code: 'ERR_PORTCULLIS_LEASE_EXPIRED' })
  }
  return () => {
    lease.current = current
  }
}

test('a pool whose credential ended before its successor came', async (t) => {
  const postgres = await startPostgres(t)

  await t.test('waits for the successor, for all queries at once', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    const restore = withdraw(lease)
    let coming: Promise<void> | undefined
    lease.onDoubt = () => {
      // A lease gives a value again before the hand-over is committed.
      if (coming === undefined) restore()
      coming ??= lease.rotate()
      return coming
    }
    const names = await Promise.all(Array.from({ length: 20 }, () => whoAmI(pool)))
    assert.equal(names.length, 20)
    assert.equal(await whoAmI(pool), lease.user)
    assert.equal(lease.generation, 2)
  })

  await t.test('where none comes, who connects is told why', async (t) => {
    const { lease, pool } = await opened(t, postgres)
    const restore = withdraw(lease)
    lease.onDoubt = async () => {}
    await assert.rejects(whoAmI(pool), { code: 'ERR_PORTCULLIS_LEASE_EXPIRED' })
    restore()
    assert.equal(await whoAmI(pool), lease.user)
  })
})
