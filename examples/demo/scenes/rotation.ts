import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Lease } from 'portcullis'
import { leasedPool } from 'portcullis/pg'
import { green, seconds } from '../screen.ts'
import { until } from '../until.ts'
import type { Credential, Scene } from './scene.ts'

const A_SECOND = 200
const USERS = 3
const LIMIT_MS = 20_000

export const rotate: Scene = async ({ screen, gateway, world: { operator } }) => {
  screen.step(
    'Users that change under load',
    'These users are not given more time. Before the lease of one ends a new one takes over, and the pool follows.',
  )
  const lease = await gateway.lease<Credential>('database/creds/rotated')
  try {
    screen.say(`a pool of PostgreSQL connections, its user on a lease for ${seconds(lease.current().ttlMs)}`)
    await screen.run('queries during rotations', async () => {
      const pool = leasedPool(lease, { ...operator.database, max: 5 })
      const { queries, failures, users, ms } = await load(pool, lease)
      await pool.end()
      screen.say(
        green(`${queries} queries in ${seconds(ms)}, ${failures.length} failed, by ${users.size} users in turn`),
      )
      if (failures.length > 0) throw failures[0]
      if (users.size < USERS) throw new Error(`the demo expected ${USERS} users within ${seconds(LIMIT_MS)}`)
      return `${failures.length} of ${queries} failed`
    })
  } finally {
    await lease.close()
  }
  // A revocation is answered before it has been carried out.
  await until('no user is left', async () => (await operator.users('rotated')) === 0)
  screen.say(`pool and lease closed; users left in PostgreSQL: ${await operator.users('rotated')}`)
}

interface Load {
  readonly queries: number
  readonly failures: readonly unknown[]
  readonly users: ReadonlySet<unknown>
  readonly ms: number
}

/** Queries at an even pace, until {@link USERS} have been seen; each is asked who it is. */
async function load(pool: Pool, lease: Lease<Credential>): Promise<Load> {
  const users = new Set<unknown>()
  const failures: unknown[] = []
  const queries: Promise<void>[] = []
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  while ((lease.generation < USERS || users.size < USERS) && elapsedMs() < LIMIT_MS) {
    const aheadMs = (queries.length * 1000) / A_SECOND - elapsedMs()
    if (aheadMs > 0) await wait(aheadMs)
    const query = pool.query('select current_user as me')
    queries.push(
      query.then(
        ({ rows }) => void users.add(rows[0]?.me),
        (error: unknown) => void failures.push(error),
      ),
    )
  }
  await Promise.all(queries)
  return { queries: queries.length, failures, users, ms: elapsedMs() }
}
