import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createPluginHost, memory } from 'portcullis/plugin-host'
import { hostPeer } from '../plugin-host/equivalence/host-peer.ts'
import type { Peer, PeerAnswer } from '../plugin-host/equivalence/peer.ts'
import { rig } from '../plugin-host/process/plugins-for-test.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()
const CREATE = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT USAGE ON SCHEMA public TO "{{name}}"`
const HOSTILE = `x"; DROP TABLE kept; --'`

type Operation = Parameters<Peer['send']>[0]['operation']
type Ask = (operation: Operation, path: string, body?: object) => Promise<PeerAnswer>
type Login = { readonly username: string; readonly password: string }

/** Our host with its database engine, and our driver in a process of its own, over a real PostgreSQL. */
async function started(t: TestContext): Promise<{ readonly ask: Ask; readonly postgres: Postgres }> {
  const postgres = await startPostgres(t)
  const mounts = { database: { type: 'database' } }
  const host = await createPluginHost({ storage: memory(), mounts }, { plugins: rig(t).plugins })
  t.after(() => host.close())
  const { grant } = await host.operatorAuth().login({} as Parameters<ReturnType<typeof host.auth>['login']>[0])
  const peer = hostPeer(host, grant.token)
  const ask: Ask = async (operation, path, body) => {
    const sent = { operation, path, query: {}, body: body as Parameters<Peer['send']>[0]['body'] }
    return peer.send(sent)
  }
  await postgres.query(`CREATE ROLE vaultadmin SUPERUSER LOGIN PASSWORD 'first-password'`)
  await succeed(
    ask('write', 'database/config/main', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: ['*'],
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
      username: 'vaultadmin',
      password: 'first-password',
      username_template: '{{.DisplayName}}-{{.RoleName}}-{{random 6}}',
    }),
  )
  const role = { db_name: 'main', creation_statements: [CREATE], default_ttl: '1h', max_ttl: '24h' }
  await succeed(ask('write', 'database/roles/app', role))
  return { ask, postgres }
}

async function succeed(asked: Promise<PeerAnswer>): Promise<PeerAnswer> {
  const answer = await asked
  assert.ok(answer.status < 300, `${answer.status} ${answer.body.errors?.join()}`)
  return answer
}

async function loginOf(postgres: Postgres, { username, password }: Login): Promise<string> {
  const client = await postgres.connect(username, password)
  try {
    return String((await client.query('SELECT current_user AS name')).rows[0]?.name)
  } finally {
    await client.end()
  }
}

test('our host issues, renews and revokes users of a real PostgreSQL by our driver', { skip }, async (t) => {
  const { ask, postgres } = await started(t)
  const { body } = await succeed(ask('read', 'database/creds/app'))
  const login = body.data as unknown as Login
  assert.equal(await loginOf(postgres, login), login.username)
  assert.equal(body.lease?.seconds, 3_600)
  assert.equal(body.lease?.renewable, true)
  const ends = async (): Promise<number> =>
    Number(
      (await postgres.query('SELECT rolvaliduntil AS at FROM pg_roles WHERE rolname = $1', [login.username]))[0]?.at,
    )
  const before = await ends()
  const leases = await succeed(ask('list', 'sys/leases/lookup/database/creds/app/'))
  const [id] = (leases.body.data?.keys ?? []) as readonly string[]
  const renewed = { lease_id: `database/creds/app/${id}`, increment: 7_200 }
  await succeed(ask('write', 'sys/leases/renew', renewed))
  assert.ok((await ends()) - before > 3_000_000)
  await succeed(ask('write', 'sys/leases/revoke-prefix/database/creds/app', { sync: true }))
  await assert.rejects(loginOf(postgres, login), /password authentication failed/)
  assert.deepEqual(await postgres.query('SELECT FROM pg_roles WHERE rolname = $1', [login.username]), [])
})

test('our host rotates its own user and static roles by our driver', { skip }, async (t) => {
  const { ask, postgres } = await started(t)
  await succeed(ask('write', 'database/rotate-root/main', {}))
  const first = { username: 'vaultadmin', password: 'first-password' }
  await assert.rejects(loginOf(postgres, first), /password authentication failed/)
  const { body } = await succeed(ask('read', 'database/creds/app'))
  const login = body.data as unknown as Login
  assert.equal(await loginOf(postgres, login), login.username)
  await postgres.query(`CREATE ROLE fixed LOGIN PASSWORD 'old'`)
  await succeed(
    ask('write', 'database/static-roles/fixed', { db_name: 'main', username: 'fixed', rotation_period: '1h' }),
  )
  const old = (await succeed(ask('read', 'database/static-creds/fixed'))).body.data as unknown as Login
  assert.equal(await loginOf(postgres, old), 'fixed')
  await succeed(ask('write', 'database/rotate-role/fixed', {}))
  const now = (await succeed(ask('read', 'database/static-creds/fixed'))).body.data as unknown as Login
  assert.equal(await loginOf(postgres, now), 'fixed')
  await assert.rejects(loginOf(postgres, old), /password authentication failed/)
})

test('what comes to our driver through our host cannot run as SQL, and errors tell no password', {
  skip,
}, async (t) => {
  const { ask, postgres } = await started(t)
  await postgres.query('CREATE TABLE kept (x int)')
  const config = {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: ['*'],
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
  }
  await postgres.query(`CREATE ROLE second SUPERUSER LOGIN PASSWORD 'x@127.0.0.1:1/y?host=evil''"'`)
  const odd = { ...config, username: 'second', password: `x@127.0.0.1:1/y?host=evil'"` }
  await succeed(ask('write', 'database/config/odd', odd))
  const template = { ...odd, username_template: `${HOSTILE.replaceAll('"', '')}-{{random 6}}` }
  await succeed(ask('write', 'database/config/named', template))
  await succeed(ask('write', 'database/roles/named', { db_name: 'named', creation_statements: [CREATE] }))
  const login = (await succeed(ask('read', 'database/creds/named'))).body.data as unknown as Login
  assert.equal(await loginOf(postgres, login), login.username)
  assert.deepEqual(await postgres.query('SELECT * FROM kept'), [])
  await succeed(
    ask('write', 'database/roles/broken', {
      db_name: 'main',
      creation_statements: [`CREATE ROLE "{{name}}" '{{password}}'`],
    }),
  )
  const refused = await ask('read', 'database/creds/broken')
  assert.equal(refused.status, 500)
  assert.match(refused.body.errors?.join() ?? '', /its words are withheld \(42601\)/)
  const wrong = await ask('write', 'database/config/odd', { ...odd, password: 'Sesame-wrong' })
  assert.equal(wrong.status, 400)
  assert.ok(!JSON.stringify(wrong).includes('Sesame'))
})
