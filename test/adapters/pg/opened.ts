import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import type { Pool } from 'pg'
import { type LeasedPoolOptions, leasedPool } from 'portcullis/pg'
import type { Postgres } from '../../support/postgres.ts'
import { FakeLease } from './fake-lease.ts'

/** A pool over a lease of its own; ended after `t`. */
export async function opened(
  t: TestContext,
  postgres: Postgres,
  options: LeasedPoolOptions = {},
): Promise<{ readonly lease: FakeLease; readonly pool: Pool }> {
  const lease = await FakeLease.take(postgres)
  const pool = leasedPool(lease, { host: '127.0.0.1', port: postgres.port, database: 'postgres', ...options })
  t.after(() => pool.end())
  return { lease, pool }
}

export async function whoAmI(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ name: string }>('SELECT current_user AS name')
  return String(rows[0]?.name)
}

export async function untilEqual(read: () => number, wanted: number): Promise<void> {
  for (let tries = 0; read() !== wanted; tries++) {
    assert.ok(tries < 500, `${read()} is not ${wanted}`)
    await after(10)
  }
}
