import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type Gateway, PortcullisError } from 'portcullis'
import { leasedPool } from 'portcullis/pg'
import { assertEntry } from '../support/entry-schema.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { gatewayOver, type RealHost, startHost } from './plugin-host-world.ts'

const skip = await realServersAbsent()
const SWIFT = { timeout: 120_000 }

/** What an application may: its credentials and its leases; the configuration is not for it. */
const APP = {
  policy: 'app',
  rules: [
    { id: 'creds', path: 'db/creds/*', operations: ['read'], effect: 'allow' },
    { id: 'static', path: 'db/static-creds/*', operations: ['read'], effect: 'allow' },
    { id: 'leases', path: 'sys/leases/*', operations: ['*'], effect: 'allow' },
    { id: 'no-owner', path: 'db/creds/owner', operations: ['*'], effect: 'forbid' },
  ],
}
const CREATE = `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`
const LETTERS = 'length = 24\nrule "charset" { charset = "abcdefghij" }'

interface Place {
  readonly it: RealHost
  readonly postgres: Postgres
  readonly admin: Gateway
}

/** A host with the database engine, our driver and a database that it may manage. */
async function place(t: TestContext): Promise<Place> {
  const [postgres, it] = await Promise.all([startPostgres(t), startHost(t, { mounts: { db: { type: 'database' } } })])
  await postgres.query(`CREATE ROLE manager LOGIN SUPERUSER PASSWORD 'first'`)
  const { gateway: admin } = await adminOver(t, it)
  await admin.write('sys/policies/password/letters', { policy: LETTERS })
  await admin.write('db/config/main', {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: ['app', 'swift', 'owner', 'kept'],
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
    username: 'manager',
    password: 'first',
    password_policy: 'letters',
  })
  const roles = { app: ['3s', '20s'], swift: ['30s', '30s'], owner: ['1h', '2h'] }
  for (const [name, [default_ttl, max_ttl]] of Object.entries(roles))
    await admin.write(`db/roles/${name}`, { db_name: 'main', creation_statements: [CREATE], default_ttl, max_ttl })
  return { it, postgres, admin }
}

function adminOver(t: TestContext, it: RealHost): ReturnType<typeof gatewayOver> {
  return gatewayOver(t, it.host, { auth: it.host.operatorAuth(), dangerouslyAllowEverything: true })
}

interface Credential {
  readonly username: string
  readonly password: string
}

async function whoIs(postgres: Postgres, { username, password }: Credential): Promise<string> {
  const client = await postgres.connect(username, password)
  try {
    return (await client.query('SELECT current_user AS me')).rows[0].me
  } finally {
    await client.end()
  }
}

async function usersOf(postgres: Postgres): Promise<number> {
  const rows = await postgres.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'`)
  return rows.length
}

async function until(isTrue: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!(await isTrue())) {
    assert.ok(performance.now() < endMs, 'it did not come about in time')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('users of a database, by our driver in the host, through policy and audit: made, used, renewed, revoked', {
  skip,
  ...SWIFT,
}, async (t) => {
  const { it, postgres, admin } = await place(t)
  const { gateway, entries } = await gatewayOver(t, it.host, { policies: [APP] })
  const given = await gateway.read<Credential>('db/creds/app')
  assert.match(given.data.password, /^[a-j]{24}$/)
  assert.equal(await whoIs(postgres, given.data), given.data.username)
  const renewed = await gateway.write('sys/leases/renew', { lease_id: given.leaseId, increment: 15 })
  assert.ok(renewed.ttlMs > 14_000 && renewed.ttlMs <= 15_000, `${renewed.ttlMs} ms`)
  const [{ until: validUntil }] = (await postgres.query(
    'SELECT rolvaliduntil AS until FROM pg_roles WHERE rolname = $1',
    [given.data.username],
  )) as [{ until: Date }]
  assert.ok(validUntil.getTime() - Date.now() > 10_000, 'the database knows of the renewal')
  await gateway.write('sys/leases/revoke', { lease_id: given.leaseId, sync: true })
  assert.equal(await usersOf(postgres), 0)
  await assert.rejects(gateway.read('db/creds/owner'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  await assert.rejects(gateway.read('db/config/main'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  assert.equal((await admin.read('db/config/main')).data.password, undefined)
  for (const entry of entries) assertEntry(entry)
  assert.ok(!JSON.stringify(entries).includes(given.data.password))

  // The host stays, for the other gateway over it; what the closed one was given goes with its token.
  const other = await gatewayOver(t, it.host, { policies: [APP] })
  await gateway.read('db/creds/app')
  assert.equal(await usersOf(postgres), 1)
  await gateway.close()
  await until(async () => (await usersOf(postgres)) === 0)
  assert.equal((await other.gateway.read<Credential>('db/creds/app')).source, 'server')
})

test('the root password and static users are rotated, and survive a killed driver and a new start of the host', {
  skip: skip || (process.platform === 'linux' ? false : 'finds the process by /proc'),
  ...SWIFT,
}, async (t) => {
  const { it, postgres, admin } = await place(t)
  await admin.write('db/rotate-root/main', {})
  await assert.rejects(postgres.connect('manager', 'first'), /password authentication failed/)
  await postgres.query(`CREATE ROLE steady LOGIN PASSWORD 'x'`)
  await admin.write('db/static-roles/kept', { db_name: 'main', username: 'steady', rotation_period: '5s' })
  const first = (await admin.read<Credential>('db/static-creds/kept')).data
  assert.equal(await whoIs(postgres, first), 'steady')
  await until(async () => (await admin.read<Credential>('db/static-creds/kept')).data.password !== first.password)
  await assert.rejects(whoIs(postgres, first), /password authentication failed/)

  const before = driverProcesses()
  assert.equal(before.length, 1)
  for (const pid of before) process.kill(pid, 'SIGKILL')
  // The call that meets the death may fail, with a code; those after it may not.
  await admin.read('db/creds/owner').catch((error) => assert.ok(error instanceof PortcullisError))
  assert.equal(await whoIs(postgres, (await admin.read<Credential>('db/creds/owner')).data).then(Boolean), true)
  assert.notDeepEqual(driverProcesses(), before)

  const owned = await admin.read<Credential>('db/creds/owner')
  await admin.close()
  await it.restart()
  const { gateway: again } = await adminOver(t, it)
  assert.ok(it.host.operator.leases('db/creds/owner').includes(owned.leaseId))
  assert.equal(await whoIs(postgres, (await again.read<Credential>('db/creds/owner')).data).then(Boolean), true)
  const kept = (await again.read<Credential>('db/static-creds/kept')).data
  assert.equal(await whoIs(postgres, kept), 'steady')
  await again.write('sys/leases/revoke-prefix/db/creds', {})
  await until(async () => (await usersOf(postgres)) === 0)
})

test('a mount that moves ends its leases, as on a real server, and serves on from its new place', {
  skip,
  ...SWIFT,
}, async (t) => {
  const { it, postgres, admin } = await place(t)
  const { leaseId } = await admin.read<Credential>('db/creds/owner')
  await it.host.operator.remount('db', 'moved')
  assert.deepEqual([await usersOf(postgres), it.host.operator.leases()], [0, []])
  await assert.rejects(admin.write('sys/leases/renew', { lease_id: leaseId }), {
    code: 'ERR_PORTCULLIS_SERVER_BAD_REQUEST',
  })
  const next = await admin.read<Credential>('moved/creds/owner')
  assert.match(next.leaseId, /^moved\/creds\/owner\//)
  assert.equal(await whoIs(postgres, next.data), next.data.username)
})

test('a pool on credentials of 30 s of the host: no query fails while users rotate and the driver is killed, and none is left', {
  skip: skip || (process.platform === 'linux' ? false : 'finds the process by /proc'),
  ...SWIFT,
}, async (t) => {
  const { it, postgres } = await place(t)
  const { gateway } = await gatewayOver(t, it.host, { policies: [APP] })
  const lease = await gateway.lease<Credential>('db/creds/swift')
  const pool = leasedPool(lease, { host: '127.0.0.1', port: postgres.port, database: 'postgres', max: 4 })
  const users = new Set<string>()
  const failed: unknown[] = []
  let kills = 0
  const endMs = performance.now() + 60_000
  while (users.size < 2 && performance.now() < endMs) {
    await pool.query('SELECT current_user AS me').then(
      ({ rows }) => users.add(rows[0].me),
      (error) => failed.push(error),
    )
    // Once for each user: the next renewal and the next user need a new process.
    if (kills < users.size) for (const pid of driverProcesses()) kills += process.kill(pid, 'SIGKILL') ? 1 : 0
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.deepEqual(failed, [])
  assert.ok(users.size >= 2, `${users.size} users`)
  assert.ok(kills >= 1)
  t.diagnostic(`${users.size} users, driver killed ${kills} times`)
  await pool.end()
  await lease.close()
  await until(async () => (await usersOf(postgres)) === 0)
})

/** Processes of our driver that this process started. */
function driverProcesses(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && contentOf(name, 'cmdline').includes('lib/plugin/builtin/main'))
    .filter((pid) => descendsFromHere(pid))
    .map(Number)
}

function descendsFromHere(pid: string): boolean {
  for (let at = pid; at !== '' && at !== '1' && at !== '0'; ) {
    if (at === String(process.pid)) return true
    at = /^PPid:\s+(\d+)$/m.exec(contentOf(at, 'status'))?.[1] ?? ''
  }
  return false
}

function contentOf(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}
