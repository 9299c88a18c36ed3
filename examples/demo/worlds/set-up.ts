import type { Gateway } from 'portcullis'
import type { Postgres } from '../../support/postgres.ts'

/** Fills the mounts `kv`, `transit` and `database`, as an operator would. */
export async function setUp(operator: Gateway, { port, adminUrl }: Postgres): Promise<void> {
  await operator.write('kv/data/orders/theme', { data: { color: 'green' } })
  await operator.write('kv/data/payroll/salaries', { data: { everyone: 'much' } })
  await operator.write('transit/keys/cards')
  await operator.write('database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: '*',
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres?sslmode=disable`,
    username: 'postgres',
    password: decodeURIComponent(new URL(adminUrl).password),
  })
  for (const [role, ttl, maxTtl] of ROLES) {
    await operator.write(`database/roles/${role}`, {
      db_name: 'main',
      creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
      default_ttl: ttl,
      max_ttl: maxTtl,
    })
  }
}

/** Name, TTL and longest TTL. */
const ROLES = [
  ['orders', '10m', '1h'],
  ['renewed', '3s', '1h'],
  ['rotated', '3s', '3s'],
] as const
