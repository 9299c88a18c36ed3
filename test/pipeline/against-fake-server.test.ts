import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { createGateway } from '../../lib/gateway.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import type { Gateway } from '../../lib/model/gateway.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { appRole } from '../../lib/session/auth/app-role.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { createFakeServer, type FakeServer } from '../../lib/testing/fake-server.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'
import { policy, readable } from './support.ts'

const DB = 'database/creds/app'
const ACL = `path "database/creds/app" { capabilities = ["read"] }
path "secret/data/*" { capabilities = ["create", "update", "read"] }
path "sys/leases/revoke" { capabilities = ["update"] }`

interface Setting {
  readonly gateway: Gateway
  readonly server: FakeServer
  readonly clock: FakeClock
  readonly entries: AuditEntry[]
}

/** A server with a database role, and a gateway that logs in by AppRole. */
async function setting(t: TestContext, isWrapped = false): Promise<Setting> {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/app', { default_ttl: '1h', max_ttl: '24h' })
  server.root('POST', 'sys/policies/acl/app', { policy: ACL })
  server.root('POST', 'sys/auth/approle', { type: 'approle' })
  server.root('POST', 'auth/approle/role/app', { token_policies: ['app'], token_ttl: '2h' })
  const roleId = server.root('GET', 'auth/approle/role/app/role-id').body.data.role_id
  const wrap = { 'x-vault-wrap-ttl': '600' }
  const made = server.root('POST', 'auth/approle/role/app/secret-id', {}, isWrapped ? wrap : {}).body
  const auth = isWrapped
    ? appRole({ roleId, wrappedSecretId: made.wrap_info.token })
    : appRole({ roleId, secretId: made.data.secret_id })
  const entries: AuditEntry[] = []
  const rules = [readable(DB), { id: 'kv', path: 'secret/data/*', operations: ['create', 'read'], effect: 'allow' }]
  const gateway = await createGateway(
    {
      server: server.transport(),
      auth,
      policies: [policy('app', rules)],
      audit: { devices: [callback('test', (entry) => void entries.push(entry as AuditEntry))] },
    },
    { clock, random: fixedRandom(), telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  return { gateway, server, clock, entries }
}

for (const isWrapped of [false, true]) {
  test(`a gateway logs in by AppRole, mints once, and leaves nothing behind (wrapped: ${isWrapped})`, async (t) => {
    const { gateway, server } = await setting(t, isWrapped)
    await Promise.all(Array.from({ length: 10 }, () => gateway.read(DB)))
    assert.equal(server.mints(DB), 1)
    assert.equal(server.leases().length, 1)
    await gateway.close()
    assert.equal(server.leases().length, 0)
    assert.ok(server.tokens().every(({ path }) => !path.startsWith('auth/approle')))
  })
}

test('a revoked token is found out by a 403, and its leases are not served any more', async (t) => {
  const { gateway, server, clock } = await setting(t)
  server.root('POST', 'secret/data/a', { data: { a: 1 } })
  const first = await gateway.read<{ username: string }>(DB)
  await clock.advance(5_000)
  const ours = server.tokens().find(({ path }) => path.startsWith('auth/approle'))
  server.revokeToken(ours?.accessor ?? '')
  assert.equal((await gateway.read('secret/data/a')).status, 200)
  const second = await gateway.read<{ username: string }>(DB)
  assert.equal(second.source, 'server')
  assert.notEqual(second.data.username, first.data.username)
  assert.equal(server.mints(DB), 2)
})

test('a rule for create alone writes a new secret and cannot overwrite one', async (t) => {
  const { gateway, server } = await setting(t)
  const kv = gateway.kv()
  await kv.write('a', { a: 1 })
  await assert.rejects(kv.write('a', { a: 2 }), { status: 400 })
  await assert.rejects(kv.write('a', { a: 2 }, { cas: 1 }), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  assert.deepEqual(server.root('GET', 'secret/data/a').body.data.data, { a: 1 })
})

test('over a day of reads every credential that is served lives at the server', async (t) => {
  const { gateway, server, clock } = await setting(t)
  for (let minutes = 0; minutes < 24 * 60; minutes += 7) {
    const { leaseId } = await gateway.read(DB)
    assert.ok(
      server.leases().some(({ id }) => id === leaseId),
      `${leaseId} at minute ${minutes}`,
    )
    await clock.advance(7 * 60_000)
  }
  assert.ok(server.mints(DB) <= 26, `${server.mints(DB)} minted`)
})

test('what the gateway sends is what its audit says', async (t) => {
  const { gateway, server, entries } = await setting(t)
  await gateway.read(DB)
  await gateway.read('secret/data/none').catch(() => {})
  await gateway.kv().write('a', { a: 1 })
  await gateway.close()
  assert.deepEqual(
    entries
      .filter(({ type }) => type === 'request')
      .map(({ request }) => request.path)
      .sort(),
    server.requests.map(({ path }) => path).sort(),
  )
})
