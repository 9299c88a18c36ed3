import { definePlugin } from '../../define.ts'
import type { DatabasePlugin } from '../../definition.ts'
import { PostgresqlDriver } from './driver.ts'

/**
 * Users of PostgreSQL, for the database secrets engine of Vault, OpenBao and the plugin host (dbplugin v5). Needs `pg`.
 *
 * Takes what the servers' own driver takes: `connection_url` (URL or pairs; `{{username}}` and `{{password}}`),
 * `username`, `password`, `disable_escaping`, `max_open_connections` (default 4), `max_idle_connections`,
 * `max_connection_lifetime`, `username_template` ({@link compileUsernameTemplate}), `password_authentication`
 * (`password`, `scram-sha-256`), `tls_ca`, `tls_certificate`, `private_key` (PEM). Statements of roles work as they are.
 *
 * What differs: values are quoted for where they stand ({@link fillStatement}), so a display name cannot run as SQL;
 * all statements of one change happen in one transaction; without revocation statements, what a user made is kept and
 * goes to the connection's own user; words of the database that hold a secret are withheld.
 *
 * `sslmode` is `prefer` where the URL names none, as in the servers: TLS where there is some, unverified. Write
 * `sslmode=verify-full` for a database that is not on this machine.
 */
export const postgresql: DatabasePlugin = definePlugin({
  name: 'postgresql-database-plugin',
  type: 'database',
  open: ({ log }) => new PostgresqlDriver(log),
})
