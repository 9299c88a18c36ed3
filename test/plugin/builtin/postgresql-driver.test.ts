import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import type { DatabaseDriver, JsonObject, NewUser } from 'portcullis/plugin'
import { launchPostgres, type Postgres } from '../../../examples/support/postgres.ts'
import { postgresql } from '../../../lib/plugin/builtin/postgresql/plugin.ts'
import { createMemoryHost } from '../../../lib/plugin/testing/index.ts'
import { realServersAbsent } from '../../support/real-servers.ts'

const CREATE = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';
  GRANT USAGE ON SCHEMA public TO "{{name}}"; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}";`
const HOUR_MS = 3_600_000

const skip = await realServersAbsent()
/** One server for the file: each test makes users of its own. */
const postgres = skip === false ? await launchPostgres() : undefined
after(() => postgres?.stop())

function running(): Postgres {
  assert.ok(postgres)
  return postgres
}

async function opened(t: TestContext, more: JsonObject = {}): Promise<{ driver: DatabaseDriver; postgres: Postgres }> {
  const postgres = running()
  const driver = postgresql.open({ log: createMemoryHost().log })
  t.after(() => driver.close())
  await driver.initialize({ ...configOf(postgres), ...more }, true)
  return { driver, postgres }
}

function configOf(postgres: Postgres): { connection_url: string; username: string; password: string } {
  return {
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
    username: 'postgres',
    password: decodeURIComponent(new URL(postgres.adminUrl).password),
  }
}

function user(more: Partial<NewUser> = {}): NewUser {
  return {
    displayName: 'token-test',
    roleName: 'app',
    credentialType: 'password',
    password: 'Secret-Password-1',
    publicKey: '',
    subject: '',
    expiresAtMs: Date.now() + HOUR_MS,
    statements: [CREATE],
    rollbackStatements: [],
    ...more,
  }
}

async function canLogIn(postgres: Postgres, name: string, password: string): Promise<boolean> {
  try {
    const client = await postgres.connect(name, password)
    await client.end()
    return true
  } catch {
    return false
  }
}

async function roleOf(postgres: Postgres, name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  return (await postgres.query('SELECT * FROM pg_authid WHERE rolname = $1', [name]))[0]
}

test('a new user can log in until the expiration, under a name like the servers make', { skip }, async (t) => {
  const { driver, postgres } = await opened(t)
  const expiresAtMs = Date.now() + HOUR_MS
  const name = await driver.newUser(user({ expiresAtMs }))
  assert.match(name, /^v-token-te-app-[A-Za-z0-9]{20}-\d{10}$/)
  assert.ok(await canLogIn(postgres, name, 'Secret-Password-1'))
  const ends = (await roleOf(postgres, name))?.rolvaliduntil
  assert.equal((ends as Date).getTime(), Math.floor(expiresAtMs / 1000) * 1000)
  assert.equal(await driver.type(), 'postgresql')
})

test('a password and an expiration are changed, and the old password ends', { skip }, async (t) => {
  const { driver, postgres } = await opened(t)
  const username = await driver.newUser(user())
  const password = { value: "it's-\\new", statements: [] }
  const expiration = { atMs: Date.now() - HOUR_MS, statements: [] }
  await driver.updateUser({ username, credentialType: 'password', password })
  assert.ok(await canLogIn(postgres, username, "it's-\\new"))
  assert.ok(!(await canLogIn(postgres, username, 'Secret-Password-1')))
  await driver.updateUser({ username, credentialType: 'password', expiration })
  assert.ok(!(await canLogIn(postgres, username, "it's-\\new")))
  await driver.updateUser({
    username,
    credentialType: 'password',
    password: { value: 'third', statements: [`ALTER USER "{{name}}" PASSWORD '{{password}}'`] },
    expiration: { atMs: Infinity, statements: [`ALTER USER "{{username}}" VALID UNTIL '{{expiration}}'`] },
  })
  assert.ok(await canLogIn(postgres, username, 'third'))
})

test('a user who is not there cannot be changed, and is dropped without an error', { skip }, async (t) => {
  const { driver } = await opened(t)
  const password = { value: 'x', statements: [] }
  await assert.rejects(driver.updateUser({ username: 'nobody', credentialType: 'password', password }), /no such user/)
  await driver.deleteUser('nobody', [])
  await driver.deleteUser('nobody', ['DROP ROLE "{{name}}"'])
})

test('a dropped user is gone, and what it made is kept', { skip }, async (t) => {
  const { driver, postgres } = await opened(t)
  const name = await driver.newUser(user())
  await postgres.query(`GRANT CREATE ON SCHEMA public TO "${name}"`)
  await postgres.query(`CREATE SCHEMA IF NOT EXISTS other; GRANT ALL ON SCHEMA other TO "${name}"`)
  const client = await postgres.connect(name, 'Secret-Password-1')
  await client.query('CREATE TABLE made (x int); INSERT INTO made VALUES (7)')
  await client.query('CREATE TABLE other.made (x int); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC')
  await client.end()
  await driver.deleteUser(name, [])
  assert.equal(await roleOf(postgres, name), undefined)
  assert.deepEqual(await postgres.query('SELECT x FROM made'), [{ x: 7 }])
  await postgres.query('DROP TABLE made; DROP SCHEMA other CASCADE')
})

test('revocation statements of a role are run instead, and fail for one who is still there', { skip }, async (t) => {
  const { driver, postgres } = await opened(t)
  const name = await driver.newUser(user())
  await assert.rejects(driver.deleteUser(name, ['DROP ROLE "{{name}}"']), /2BP01/)
  assert.ok(await roleOf(postgres, name))
  await driver.deleteUser(name, ['DROP OWNED BY "{{name}}"; DROP ROLE "{{username}}"'])
  assert.equal(await roleOf(postgres, name), undefined)
})

test('a user with the right to make roles, and no superuser, can do all of it', { skip }, async (t) => {
  const { postgres } = await opened(t)
  await postgres.query(`CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'maker'; GRANT CREATE ON SCHEMA public TO maker`)
  const maker = await postgres.connect('maker', 'maker')
  await maker.query('CREATE TABLE of_maker (x int)')
  await maker.end()
  const driver = postgresql.open({ log: createMemoryHost().log })
  t.after(() => driver.close())
  await driver.initialize({ ...configOf(postgres), username: 'maker', password: 'maker' }, true)
  const statements = [
    `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'; GRANT ALL ON of_maker TO "{{name}}" WITH GRANT OPTION`,
  ]
  const name = await driver.newUser(user({ statements }))
  assert.ok(await canLogIn(postgres, name, 'Secret-Password-1'))
  await driver.updateUser({ username: name, credentialType: 'password', password: { value: 'other', statements: [] } })
  assert.ok(await canLogIn(postgres, name, 'other'))
  await driver.deleteUser(name, [])
  assert.equal(await roleOf(postgres, name), undefined)
})

test('a creation that fails leaves nothing, and runs the rollback statements', { skip }, async (t) => {
  const { driver, postgres } = await opened(t, { username_template: 'rolled_{{random 4}}' })
  await postgres.query('CREATE TABLE failures (name text)')
  const failing = user({
    statements: [CREATE, 'GRANT no_such_role TO "{{name}}"'],
    rollbackStatements: [`INSERT INTO failures VALUES ('{{name}}')`],
  })
  await assert.rejects(driver.newUser(failing), /no_such_role.*42704/)
  assert.deepEqual(await postgres.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'rolled%'`), [])
  assert.match(String((await postgres.query('SELECT name FROM failures'))[0]?.name), /^rolled_\w{4}$/)
  await postgres.query('DROP TABLE failures')
})

test('statements of all shapes are run: blocks, functions, comments, base64', { skip }, async (t) => {
  const { driver, postgres } = await opened(t)
  const name = await driver.newUser(
    user({
      statements: [
        `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{{name}}') THEN
           EXECUTE 'CREATE ROLE "{{name}}" LOGIN PASSWORD ''{{password}}'''; END IF; END $$;`,
        `-- isn't {{name}}; a comment\nCREATE FUNCTION twice() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;`,
        Buffer.from(`COMMENT ON ROLE "{{name}}" IS 'one; two'`).toString('base64'),
      ],
    }),
  )
  assert.ok(await canLogIn(postgres, name, 'Secret-Password-1'))
  assert.deepEqual(await postgres.query('SELECT twice() AS x'), [{ x: 2 }])
  await postgres.query('DROP FUNCTION twice')
})

test('what a caller is called is never run', { skip }, async (t) => {
  const { driver, postgres } = await opened(t, { username_template: '{{.DisplayName}}-{{.RoleName}}-{{random 4}}' })
  await postgres.query('CREATE TABLE IF NOT EXISTS kept (x int)')
  const names = [
    `x" SUPERUSER; --`,
    `x'; DROP TABLE kept; --`,
    `"; DROP TABLE kept; --`,
    `\\"; DROP TABLE kept`,
    `$$; DROP TABLE kept`,
    'a\nb',
    '{{password}}',
    'ü'.repeat(40),
  ]
  for (const hostile of names)
    for (const parts of [
      { displayName: hostile, roleName: 'r' },
      { displayName: 'd', roleName: hostile },
    ]) {
      const name = await driver.newUser(
        user({ ...parts, statements: [`${CREATE} COMMENT ON ROLE "{{name}}" IS '{{name}}'`] }),
      )
      const role = await roleOf(postgres, name)
      assert.equal(role?.rolsuper, false)
      assert.ok(name.includes(hostile.slice(0, 24)) && Buffer.byteLength(name) <= 63)
      assert.ok(await canLogIn(postgres, name, 'Secret-Password-1'))
      await driver.deleteUser(name, [])
      assert.equal(await roleOf(postgres, name), undefined)
    }
  await postgres.query('DROP TABLE kept')
})

test('PostgreSQL reads texts as we do, escaped ones that go on in the next line too', { skip }, async (t) => {
  const { driver, postgres } = await opened(t)
  await postgres.query('CREATE TABLE texts (a text, b text, c text, d text)')
  const insert = `INSERT INTO texts VALUES ('{{password}}', E'{{password}}', E'' -- it's\n '{{password}}', U&'{{password}}')`
  for (const password of [`\\'); DROP TABLE texts; --`, `a\\\\'b`, `''`, `\\0041`, `$$`]) {
    await driver.newUser(user({ password, statements: [CREATE, insert] }))
    assert.deepEqual(await postgres.query('DELETE FROM texts RETURNING *'), [
      { a: password, b: password, c: password, d: password },
    ])
  }
  await postgres.query('DROP TABLE texts')
})

test('passwords are values, whatever is in them', { skip }, async (t) => {
  const { driver, postgres } = await opened(t)
  for (const password of [`'; DROP ROLE postgres; --`, `a''b`, `\\' OR`, '$$', '{{name}}', 'p@ss/w?rd#%41']) {
    const name = await driver.newUser(user({ password }))
    assert.ok(await canLogIn(postgres, name, password), password)
  }
})

test('no error holds a password, not even one of a letter', { skip }, async (t) => {
  const { driver } = await opened(t)
  const statements = [`CREATE ROLE "{{name}}" '{{password}}'`, `SELECT '{{password}}'::int`]
  for (const statement of statements)
    for (const password of ['Sesame-Open', "Sesa'me", 'e'])
      await assert.rejects(driver.newUser(user({ password, statements: [statement] })), (error: Error) => {
        assert.match(error.message, /^its words are withheld \((42601|22P02)\)$/)
        return true
      })
})

test('a connection that cannot be had is refused without its password, and the one before stays', {
  skip,
}, async (t) => {
  const { driver, postgres } = await opened(t)
  const config = configOf(postgres)
  const wrong = { ...config, password: 'wrong-Sesame' }
  await assert.rejects(driver.initialize(wrong, true), (error: Error) => {
    assert.match(error.message, /^error verifying connection: .*28P01/)
    return !error.message.includes('Sesame')
  })
  const nowhere = { ...config, connection_url: 'postgresql://{{username}}:{{password}}@127.0.0.1:1/x' }
  await assert.rejects(driver.initialize(nowhere, true), /ECONNREFUSED/)
  assert.ok(await driver.newUser(user()))
  await driver.initialize(wrong, false)
  await assert.rejects(driver.newUser(user()), /28P01/)
})

test('without an sslmode a database without TLS is reached too; with one that demands TLS it is not', {
  skip,
}, async (t) => {
  const { driver, postgres } = await opened(t)
  const url = `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres`
  await driver.initialize({ ...configOf(postgres), connection_url: url }, true)
  await Promise.all([driver.newUser(user()), driver.newUser(user()), driver.newUser(user())])
  for (const mode of ['require', 'verify-ca', 'verify-full'])
    await assert.rejects(
      driver.initialize({ ...configOf(postgres), connection_url: `${url}?sslmode=${mode}` }, true),
      /does not support SSL/,
    )
})

test('with scram-sha-256 the database is sent no password', { skip }, async (t) => {
  const { driver, postgres } = await opened(t, { password_authentication: 'scram-sha-256' })
  await postgres.query('CREATE TABLE sent (what text)')
  const statement = `${CREATE} INSERT INTO sent VALUES ('{{password}}')`
  const name = await driver.newUser(user({ statements: [statement] }))
  assert.ok(await canLogIn(postgres, name, 'Secret-Password-1'))
  const [{ what } = {}] = await postgres.query('SELECT what FROM sent')
  assert.match(String(what), /^SCRAM-SHA-256\$4096:[^$]+\$[^:]+:.+$/)
  assert.equal((await roleOf(postgres, name))?.rolpassword, what)
  await postgres.query('DROP TABLE sent')
})

test('many users are made and dropped at once, over no more connections than allowed', { skip }, async (t) => {
  const { driver, postgres } = await opened(t, { max_open_connections: 3 })
  await postgres.query('CREATE TABLE IF NOT EXISTS busy (x int)')
  const names = await Promise.all(Array.from({ length: 24 }, () => driver.newUser(user())))
  assert.equal(new Set(names).size, 24)
  const [{ count } = {}] = await postgres.query(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE client_port IS NOT NULL AND pid <> pg_backend_pid()`,
  )
  assert.ok(Number(count) <= 3 + 4, `${count} connections`)
  await Promise.all(names.map((name) => driver.deleteUser(name, [])))
  assert.deepEqual(await postgres.query('SELECT FROM pg_roles WHERE rolname = ANY($1)', [names]), [])
  await postgres.query('DROP TABLE busy')
})

test('only passwords are made, and only with statements, and not before there is a connection', { skip }, async (t) => {
  const { driver } = await opened(t)
  await assert.rejects(driver.newUser(user({ credentialType: 'rsa_private_key' })), /not supported/)
  await assert.rejects(driver.newUser(user({ statements: [' '] })), /empty creation statements/)
  await driver.close()
  await driver.close()
  await assert.rejects(driver.newUser(user()), /not initialized/)
})
