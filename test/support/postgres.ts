import type { TestContext } from 'node:test'
import { launchPostgres, type Postgres } from '../../examples/support/postgres.ts'
import { launched } from './real-servers.ts'

export type { DatabaseRole, Postgres } from '../../examples/support/postgres.ts'
export { enableDatabase } from '../../examples/support/postgres.ts'

/** A PostgreSQL server for the time of `t`; skips `t` where there is none, fails it in CI. */
export function startPostgres(t: TestContext): Promise<Postgres> {
  return launched(t, launchPostgres)
}
