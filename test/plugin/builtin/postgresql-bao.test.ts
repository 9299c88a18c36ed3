import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Bao } from '../../support/bao.ts'
import { startBaoWithPlugins } from '../../support/bao-plugins.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'
import { realServersAbsent } from '../../support/real-servers.ts'

const skip = await realServersAbsent()
const PLUGIN = 'our-postgresql'
const CREATE = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT USAGE ON SCHEMA public TO "{{name}}"`

interface Servers {
  readonly bao: Bao
  readonly postgres: Postgres
}

async function serversWithEngine(t: TestContext): Promise<Servers> {
  const postgres = await startPostgres(t)
  const { bao, register } = await startBaoWithPlugins(t)
  await register('database', PLUGIN, 'lib/plugin/builtin/main.ts')
  await postgres.query(`CREATE ROLE vaultadmin SUPERUSER LOGIN PASSWORD 'first-password'`)
  await bao.root('POST', 'sys/mounts/database', { type: 'database' })
  await bao.root('POST', 'database/config/main', {
    plugin_name: PLUGIN,
    allowed_roles: '*',
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
    username: 'vaultadmin',
    password: 'first-password',
    password_authentication: 'scram-sha-256',
  })
  await bao.root('POST', 'database/roles/app', {
    db_name: 'main',
    creation_statements: [CREATE],
    default_ttl: '1h',
    max_ttl: '24h',
  })
  return { bao, postgres }
}

async function loginOf({ postgres }: Servers, username: string, password: string): Promise<string> {
  const client = await postgres.connect(username, password)
  try {
    return String((await client.query('SELECT current_user AS name')).rows[0]?.name)
  } finally {
    await client.end()
  }
}

test('a real OpenBao issues, renews and revokes users by our driver', { skip }, async (t) => {
  const servers = await serversWithEngine(t)
  const { bao, postgres } = servers
  const { body } = await bao.root('GET', 'database/creds/app')
  const { username, password } = body.data
  assert.match(username, /^v-token-app-[A-Za-z0-9]{20}-\d{10}$/)
  assert.equal(await loginOf(servers, username, password), username)
  const before = await postgres.query('SELECT rolvaliduntil AS ends FROM pg_roles WHERE rolname = $1', [username])
  await bao.root('POST', 'sys/leases/renew', { lease_id: body.lease_id, increment: 7_200 })
  const after = await postgres.query('SELECT rolvaliduntil AS ends FROM pg_roles WHERE rolname = $1', [username])
  assert.ok(Number(after[0]?.ends) - Number(before[0]?.ends) > 3_000_000)
  await bao.root('POST', 'sys/leases/revoke', { lease_id: body.lease_id, sync: true })
  await assert.rejects(loginOf(servers, username, password), /password authentication failed/)
  assert.deepEqual(await postgres.query('SELECT FROM pg_roles WHERE rolname = $1', [username]), [])
})

test('a real OpenBao rotates its own user and static roles by our driver', { skip }, async (t) => {
  const servers = await serversWithEngine(t)
  const { bao, postgres } = servers
  await bao.root('POST', 'database/rotate-root/main')
  await assert.rejects(loginOf(servers, 'vaultadmin', 'first-password'), /password authentication failed/)
  const { body } = await bao.root('GET', 'database/creds/app')
  assert.equal(await loginOf(servers, body.data.username, body.data.password), body.data.username)
  await postgres.query(`CREATE ROLE fixed LOGIN PASSWORD 'old'`)
  await bao.root('POST', 'database/static-roles/fixed', { db_name: 'main', username: 'fixed', rotation_period: '1h' })
  const first = (await bao.root('GET', 'database/static-creds/fixed')).body.data.password
  assert.equal(await loginOf(servers, 'fixed', first), 'fixed')
  await bao.root('POST', 'database/rotate-role/fixed')
  const second = (await bao.root('GET', 'database/static-creds/fixed')).body.data.password
  assert.notEqual(second, first)
  assert.equal(await loginOf(servers, 'fixed', second), 'fixed')
  await assert.rejects(loginOf(servers, 'fixed', first), /password authentication failed/)
})

test('a hostile display name is a name, and errors reach the caller without passwords', { skip }, async (t) => {
  const servers = await serversWithEngine(t)
  const { bao, postgres } = servers
  await postgres.query('CREATE TABLE kept (x int)')
  await bao.root('PUT', 'sys/policies/acl/creds', { policy: 'path "database/*" { capabilities = ["read"] }' })
  const { body } = await bao.root('POST', 'auth/token/create', { policies: ['creds'], display_name: `a"; DROP` })
  const issued = await bao.call(body.auth.client_token, 'GET', 'database/creds/app')
  assert.equal(issued.status, 200)
  assert.equal(await loginOf(servers, issued.body.data.username, issued.body.data.password), issued.body.data.username)
  await bao.root('POST', 'database/roles/broken', {
    db_name: 'main',
    creation_statements: [`CREATE ROLE "{{name}}" '{{password}}'`],
  })
  const refused = await bao.call(bao.rootToken, 'GET', 'database/creds/broken')
  assert.equal(refused.status, 500)
  assert.match(JSON.stringify(refused.body.errors), /unable to create new user: its words are withheld \(42601\)/)
  const config = { plugin_name: PLUGIN, connection_url: 'postgresql://x:Sesame@127.0.0.1:1/x' }
  const unreachable = await bao.call(bao.rootToken, 'POST', 'database/config/other', config)
  assert.equal(unreachable.status, 400)
  assert.match(JSON.stringify(unreachable.body.errors), /ECONNREFUSED/)
  assert.ok(!JSON.stringify(unreachable.body).includes('Sesame'))
})
