import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeServer, FakeClock, type FakeServer } from '../../lib/testing/index.ts'

interface World {
  readonly clock: FakeClock
  readonly server: FakeServer
}

/** A server with a database role of 1 h, at most 2 h. */
function world(): World {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/app', { default_ttl: '1h', max_ttl: '2h' })
  server.root('POST', 'sys/policies/acl/app', {
    policy: JSON.stringify({ path: { 'database/creds/*': { capabilities: ['read'] } } }),
  })
  return { clock, server }
}

function makeToken({ server }: World, spec: Readonly<Record<string, string | number | boolean>>): string {
  return server.root('POST', 'auth/token/create', { policies: ['app'], ...spec }).body.auth.client_token
}

const MINUTE = 60_000

test('a lease ends by the clock, and renewals go no further than the max TTL', async () => {
  const { clock, server } = world()
  const { body } = server.root('GET', 'database/creds/app')
  assert.equal(body.lease_duration, 3_600)
  await clock.advance(50 * MINUTE)
  assert.equal(server.root('POST', 'sys/leases/renew', { lease_id: body.lease_id }).body.lease_duration, 3_600)
  await clock.advance(50 * MINUTE)
  const renewed = server.root('POST', 'sys/leases/renew', { lease_id: body.lease_id, increment: 3_600 })
  assert.equal(renewed.body.lease_duration, 20 * 60)
  assert.equal(renewed.body.warnings.length, 1)
  await clock.advance(20 * MINUTE)
  assert.equal(server.call(server.rootToken, 'POST', 'sys/leases/lookup', { lease_id: body.lease_id }).status, 400)
  assert.deepEqual(server.leases(), [])
})

test('a lease dies with its token, and until then its TTL does not show it', async () => {
  const { clock, server, ...rest } = world()
  const token = makeToken({ clock, server, ...rest }, { explicit_max_ttl: '10s' })
  const { body } = server.call(token, 'GET', 'database/creds/app')
  await clock.advance(9_999)
  assert.equal(server.root('POST', 'sys/leases/lookup', { lease_id: body.lease_id }).body.data.ttl, 3_590)
  await clock.advance(1)
  const dead = server.call(server.rootToken, 'POST', 'sys/leases/lookup', { lease_id: body.lease_id })
  assert.deepEqual([dead.status, dead.body.errors], [400, ['invalid lease']])
})

test('a lease renewed with another token still dies with its own', async () => {
  const all = world()
  const { clock, server } = all
  const { body } = server.call(makeToken(all, { explicit_max_ttl: '10s' }), 'GET', 'database/creds/app')
  assert.equal(server.root('POST', 'sys/leases/renew', { lease_id: body.lease_id }).status, 200)
  await clock.advance(10_000)
  assert.deepEqual(server.leases(), [])
})

test('a lease of a batch token is capped to the TTL of the token when it is made', () => {
  const all = world()
  const { body } = all.server.call(makeToken(all, { type: 'batch', ttl: '30s' }), 'GET', 'database/creds/app')
  assert.equal(body.lease_duration, 30)
})

test('children die with their parent, orphans do not', () => {
  const all = world()
  const { server } = all
  const parent = server.root('POST', 'auth/token/create', { policies: ['root'], ttl: '1h' }).body.auth
  const child = server.call(parent.client_token, 'POST', 'auth/token/create', { ttl: '1h' }).body.auth
  const orphan = server.call(parent.client_token, 'POST', 'auth/token/create', { ttl: '1h', no_parent: true }).body.auth
  server.revokeToken(parent.accessor)
  assert.equal(server.call(child.client_token, 'GET', 'auth/token/lookup-self').status, 403)
  assert.equal(server.call(orphan.client_token, 'GET', 'auth/token/lookup-self').status, 200)
})

test('a periodic token lives on as long as it is renewed', async () => {
  const all = world()
  const { clock, server } = all
  const token = makeToken(all, { period: '60s' })
  for (let turn = 0; turn < 100; turn++) {
    await clock.advance(59_000)
    assert.equal(server.call(token, 'POST', 'auth/token/renew-self', {}).body.auth.lease_duration, 60)
  }
  await clock.advance(60_000)
  assert.equal(server.call(token, 'POST', 'auth/token/renew-self', {}).status, 403)
})

test('a token without the default policy may not look itself up', () => {
  const all = world()
  const token = makeToken(all, { no_default_policy: true })
  assert.equal(all.server.call(token, 'GET', 'auth/token/lookup-self').status, 403)
  assert.equal(all.server.call(token, 'GET', 'database/creds/app').status, 200)
})

test('the default policy allows renewing a lease and not revoking it', () => {
  const all = world()
  const { server } = all
  const token = makeToken(all, {})
  const { lease_id } = server.call(token, 'GET', 'database/creds/app').body
  assert.equal(server.call(token, 'POST', 'sys/leases/renew', { lease_id }).status, 200)
  assert.equal(server.call(token, 'POST', 'sys/leases/revoke', { lease_id }).status, 403)
})

test('a prefix revokes a tree of leases and no more', () => {
  const { server } = world()
  server.root('POST', 'database/roles/app2', { default_ttl: '1h' })
  for (const role of ['app', 'app', 'app2']) server.root('GET', `database/creds/${role}`)
  server.root('POST', 'sys/leases/revoke-prefix/database/creds/app', {})
  assert.deepEqual(
    server.leases().map(({ path }) => path),
    ['database/creds/app2'],
  )
  assert.equal(server.mints('database/creds/app'), 2)
  assert.equal(server.mints(), 3)
})

test('a static role keeps its password until the rotation, and its ttl counts down', async () => {
  const { clock, server } = world()
  server.root('POST', 'database/static-roles/old', { username: 'old', rotation_period: '1h' })
  const first = server.root('GET', 'database/static-creds/old').body
  await clock.advance(59 * MINUTE)
  const later = server.root('GET', 'database/static-creds/old').body
  assert.equal(first.lease_id, '')
  assert.equal(later.data.password, first.data.password)
  assert.equal(later.data.ttl, 60)
  await clock.advance(MINUTE)
  const next = server.root('GET', 'database/static-creds/old').body
  assert.notEqual(next.data.password, first.data.password)
  assert.equal(next.data.ttl, 3_600)
})

test('a wrapped secret id logs in once it is unwrapped, and tells where it was made', async () => {
  const { clock, server } = world()
  server.root('POST', 'sys/auth/approle', { type: 'approle' })
  server.root('POST', 'auth/approle/role/app', { token_policies: 'app', secret_id_ttl: '60s' })
  const wrap = { 'x-vault-wrap-ttl': '60s' }
  const { token, creation_path } = server.root('POST', 'auth/approle/role/app/secret-id', {}, wrap).body.wrap_info
  assert.equal(creation_path, 'auth/approle/role/app/secret-id')
  const { secret_id } = server.call(token, 'POST', 'sys/wrapping/unwrap').body.data
  const { role_id } = server.root('GET', 'auth/approle/role/app/role-id').body.data
  const login = (): number => server.call(undefined, 'POST', 'auth/approle/login', { role_id, secret_id }).status
  assert.equal(login(), 200)
  await clock.advance(60_000)
  assert.equal(login(), 400)
})

test('a wrapping token ends by the clock', async () => {
  const { clock, server } = world()
  const { token } = server.root('GET', 'database/creds/app', undefined, { 'x-vault-wrap-ttl': '60' }).body.wrap_info
  await clock.advance(60_000)
  assert.equal(server.call(token, 'POST', 'sys/wrapping/unwrap').status, 400)
})

test('the last use of a token leaves no lease behind', () => {
  const all = world()
  const answer = all.server.call(makeToken(all, { num_uses: 1 }), 'GET', 'database/creds/app')
  assert.equal(answer.status, 400)
  assert.deepEqual(all.server.leases(), [])
})

test('namespaces keep their secrets apart, by header and by path', () => {
  const { server } = world()
  server.root('POST', 'sys/namespaces/team-a', {})
  const inTeam = { 'x-vault-namespace': 'team-a' }
  server.root('POST', 'sys/mounts/kv', { type: 'kv' }, inTeam)
  server.root('POST', 'kv/x', { v: 1 }, inTeam)
  assert.deepEqual(server.root('GET', 'team-a/kv/x').body.data, { v: 1 })
  assert.equal(server.call(server.rootToken, 'GET', 'kv/x').status, 404)
  assert.equal(server.call(server.rootToken, 'GET', 'kv/x', undefined, { 'x-vault-namespace': 'team-b' }).status, 404)
})

test('a sealed server answers 503 but for health, and goes on where it was when unsealed', () => {
  const { server } = world()
  server.root('GET', 'database/creds/app')
  server.seal()
  assert.equal(server.call(server.rootToken, 'GET', 'database/creds/app').status, 503)
  assert.equal(server.call(undefined, 'GET', 'sys/health').body.sealed, true)
  server.unseal()
  assert.equal(server.leases().length, 1)
})

test('a standby redirects to the active server it knows, and refuses where it knows none', () => {
  const { server } = world()
  server.stepDown()
  assert.equal(server.call(server.rootToken, 'GET', 'secret/data/x').status, 500)
  server.stepDown('http://127.0.0.1:1')
  const reply = server.handle({
    method: 'GET',
    path: 'secret/data/a b',
    query: { version: '1' },
    headers: {},
    body: undefined,
  })
  assert.equal(reply.status, 307)
  assert.equal(reply.headers.location, 'http://127.0.0.1:1/v1/secret/data/a%20b?version=1')
  server.stepUp()
  assert.equal(server.call(server.rootToken, 'GET', 'secret/data/x').status, 404)
})

test('set-up that fails is loud', () => {
  assert.throws(() => world().server.root('POST', 'sys/mounts/x', { type: 'nonsense' }), /400/)
})

test('a token is shown by inspect neither among the requests nor among the tokens', async () => {
  const { server } = world()
  const { inspect } = await import('node:util')
  assert.ok(!inspect([server.tokens(), server.leases(), server.requests]).includes(server.rootToken))
})
