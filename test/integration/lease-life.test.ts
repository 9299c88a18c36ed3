import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { appRole, type Gateway, type GatewayOptions } from 'portcullis'
import { enableDatabase, type Postgres, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { type AuditedBao, openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()
const PATH = 'database/creds/app'

interface World {
  readonly bao: AuditedBao
  readonly postgres: Postgres
}

async function world(t: TestContext, ttl: string, maxTtl: string): Promise<World> {
  const bao = await startAuditedBao(t)
  const postgres = await startPostgres(t)
  await enableDatabase(bao, postgres, { role: 'app', ttl, maxTtl })
  return { bao, postgres }
}

async function open(t: TestContext, { bao }: World, options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  return (await openGateway(t, bao, options)).gateway
}

async function appRoleOn(bao: AuditedBao, role: object = {}): Promise<{ roleId: string; secretId: string }> {
  const policy = 'path "database/*" { capabilities = ["read"] }'
  await bao.root('PUT', 'sys/policies/acl/app', { policy })
  await bao.root('POST', 'sys/auth/approle', { type: 'approle' })
  await bao.root('POST', 'auth/approle/role/app', { token_policies: ['app'], token_ttl: '1h', ...role })
  const { body: id } = await bao.root('GET', 'auth/approle/role/app/role-id')
  const { body: secret } = await bao.root('POST', 'auth/approle/role/app/secret-id')
  return { roleId: id.data.role_id, secretId: secret.data.secret_id }
}

/** Logs in to the database, as whoever was given these credentials would. */
async function works({ postgres }: World, { username, password }: Record<string, unknown>): Promise<void> {
  const client = await postgres.connect(String(username), String(password))
  await client.end()
}

const FORMS = [
  ['in the body', 'sys/leases/revoke', (leaseId: string) => ({ lease_id: leaseId })],
  ['asynchronously, in the body,', 'sys/leases/revoke', (leaseId: string) => ({ lease_id: leaseId, sync: false })],
  ['by prefix', 'sys/leases/revoke-prefix/database/creds/app', () => ({})],
  ['by force', 'sys/leases/revoke-force/database/creds/app', () => ({})],
] as const

for (const [name, path, data] of FORMS) {
  test(`row c: after a revocation ${name} through the gateway the next read is a new credential that works`, {
    skip,
  }, async (t) => {
    const it = await world(t, '1h', '2h')
    const gateway = await open(t, it)
    const first = await gateway.read(PATH)
    assert.equal((await gateway.read(PATH)).source, 'cache')

    await gateway.write(path, data(first.leaseId))

    const second = await gateway.read(PATH)
    assert.notEqual(second.data.username, first.data.username)
    await works(it, second.data)
  })
}

test('row c: a revocation that the server refused with 403 evicts nothing', { skip }, async (t) => {
  const it = await world(t, '1h', '2h')
  const gateway = await open(t, it)
  const first = await gateway.read(PATH)
  const { body } = await it.bao.root('POST', 'auth/token/create', { policies: ['default'] })
  const child = gateway.as({ user: 'child' }, { token: body.auth.client_token })

  await assert.rejects(child.write('sys/leases/revoke', { lease_id: first.leaseId }), { status: 403 })

  const second = await gateway.read(PATH)
  assert.deepEqual([second.source, second.data.username], ['cache', first.data.username])
})

test('row d: what was revoked elsewhere while being read is served no longer than the limit, then replaced', {
  skip,
}, async (t) => {
  const it = await world(t, '1h', '2h')
  const gateway = await open(t, it, { leases: { verifyAfterMs: 1_000 } })
  const first = await gateway.read(PATH)
  await it.bao.root('PUT', 'sys/leases/revoke', { lease_id: first.leaseId })
  const revokedAt = performance.now()

  let served = first
  while (served.data.username === first.data.username) {
    assert.ok(performance.now() - revokedAt < 2_000, 'the dead credential is served for too long')
    await wait(50)
    served = await gateway.read(PATH)
  }

  await works(it, served.data)
})

test('row d: a lease that nobody reads is not looked up', { skip }, async (t) => {
  const it = await world(t, '1h', '2h')
  const gateway = await open(t, it, { leases: { verifyAfterMs: 1_000 } })
  await gateway.read(PATH)
  await wait(2_500)
  assert.equal(it.bao.requestsOn('sys/leases/lookup').length, 0)
})

test('row e: no caller sees that the token was killed; one login, and what is served afterwards is new and works', {
  skip,
}, async (t) => {
  const it = await world(t, '1h', '2h')
  const gateway = await open(t, it, { auth: appRole(await appRoleOn(it.bao)), leases: { verifyAfterMs: 1_000 } })
  const first = await gateway.read(PATH)
  const { body } = await it.bao.root('GET', 'auth/token/accessors?list=true')
  for (const accessor of body.data.keys) {
    const { body: token } = await it.bao.root('POST', 'auth/token/lookup-accessor', { accessor })
    if (token.data.path === 'auth/approle/login') await it.bao.root('POST', 'auth/token/revoke-accessor', { accessor })
  }

  await wait(1_500)
  const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.read(PATH)))

  assert.equal(new Set(answers.map(({ data }) => data.username)).size, 1)
  assert.notEqual(answers[0]?.data.username, first.data.username)
  await works(it, answers[0]?.data ?? {})
  assert.equal(it.bao.requestsOn('auth/approle/login').length, 2)
})

test('row h: near its max TTL a held lease tells its true end, and its successor is there before', {
  skip,
}, async (t) => {
  const it = await world(t, '2s', '4s')
  const gateway = await open(t, it)
  const lease = await gateway.lease<{ username: string; password: string }>(PATH)
  const users = new Set<string>()

  for (const endsAt = performance.now() + 9_000; performance.now() < endsAt; await wait(100)) {
    const { data, ttlMs } = lease.current()
    assert.ok(ttlMs > 0 && ttlMs <= 2_000, `told ${ttlMs} ms`)
    users.add(data.username)
    await works(it, data)
  }

  assert.ok(users.size >= 2, 'it was rotated')
  assert.ok(it.bao.requestsOn('sys/leases/renew').length >= 2, 'it was renewed')
  await lease.close()
})

test('row h: before the last end of its token a held lease has moved to a new session', { skip }, async (t) => {
  const it = await world(t, '1h', '2h')
  const auth = appRole(await appRoleOn(it.bao, { token_ttl: '4s', token_explicit_max_ttl: '4s' }))
  const gateway = await open(t, it, { auth })
  const lease = await gateway.lease<{ username: string; password: string }>(PATH)

  for (const endsAt = performance.now() + 9_000; performance.now() < endsAt; await wait(100)) {
    const { data, ttlMs } = lease.current()
    assert.ok(ttlMs > 0 && ttlMs <= 4_000, `told ${ttlMs} ms`)
    await works(it, data)
  }

  assert.ok(lease.generation >= 2)
  assert.ok(it.bao.requestsOn('auth/approle/login').length >= 2)
})

test('row n: the last holder releases the lease at the server; what the ACL forbids is said to be leaked', {
  skip,
}, async (t) => {
  const it = await world(t, '1h', '2h')
  const count = async (): Promise<number> =>
    (await it.bao.call(it.bao.rootToken, 'GET', `sys/leases/lookup/${PATH}?list=true`)).body?.data?.keys?.length ?? 0
  const gateway = await open(t, it)
  const [one, other] = [await gateway.lease(PATH), await gateway.lease(PATH)]
  assert.equal(await count(), 1)
  await one.close()
  assert.equal(await count(), 1)
  await other.close()
  assert.equal(await count(), 0)
  assert.throws(() => other.current(), { code: 'ERR_PORTCULLIS_LEASE_RELEASED' })

  const poor = await open(t, it, { auth: appRole(await appRoleOn(it.bao)) })
  const leaked: string[] = []
  poor.on('leaked', ({ path }) => void leaked.push(path))
  const held = await poor.lease(PATH)
  await held.close()
  assert.deepEqual(leaked, [PATH])
})
