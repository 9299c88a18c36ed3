import type { Transaction } from './connections.ts'
import { identifier } from './statements.ts'

/** Is there a role of that name? `undefined` for no; else whether who asks is a superuser. */
export async function lookUpUser(
  transaction: Transaction,
  username: string,
): Promise<{ isAskedBySuperuser: boolean } | undefined> {
  const [row] = await transaction.query(
    'SELECT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS super FROM pg_catalog.pg_roles WHERE rolname = $1',
    [username],
  )
  return row === undefined ? undefined : { isAskedBySuperuser: row.super === true }
}

/**
 * Drops `username` as PostgreSQL advises: what it owns in this database goes to who asks, what it was granted is taken
 * back, and then it is dropped. Nothing that it made is lost. One who is gone already is no error.
 *
 * What it owns or was granted in other databases of the server makes it fail: give the role revocation statements then.
 *
 * @see https://www.postgresql.org/docs/current/role-removal.html
 */
export async function dropUser(transaction: Transaction, username: string): Promise<void> {
  const found = await lookUpUser(transaction, username)
  if (found === undefined) return
  const user = identifier(username)
  // Who has made a role may grant it, but is no member of it; only a member may take over what it has.
  if (!found.isAskedBySuperuser) await transaction.query(`GRANT ${user} TO CURRENT_USER`)
  await transaction.query(`REASSIGN OWNED BY ${user} TO CURRENT_USER; DROP OWNED BY ${user}; DROP ROLE ${user}`)
}
