import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { appRole, callback, createGateway, type Gateway } from 'portcullis'
import {
  createFakeServer,
  FakeClock,
  type FakeServer,
  findPlanted,
  fixedRandom,
  plantSecrets,
} from 'portcullis/testing'

interface World {
  readonly clock: FakeClock
  readonly server: FakeServer
  readonly gateway: Gateway
  readonly entries: unknown[]
}

/** A gateway before a fake server, hours of which pass at once. */
async function world(t: TestContext): Promise<World> {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/orders', { default_ttl: '1h', max_ttl: '24h' })
  server.root('POST', 'sys/policies/acl/orders', {
    policy: { path: { 'database/creds/*': { capabilities: ['read'] }, 'secret/data/*': { capabilities: ['read'] } } },
  })
  server.root('POST', 'sys/auth/approle', { type: 'approle' })
  server.root('POST', 'auth/approle/role/orders', { token_policies: 'orders', token_ttl: '12h' })
  const { role_id } = server.root('GET', 'auth/approle/role/orders/role-id').body.data
  const { secret_id } = server.root('POST', 'auth/approle/role/orders/secret-id', {}).body.data
  const entries: unknown[] = []
  const gateway = await createGateway(
    {
      server: server.transport(),
      auth: appRole({ roleId: role_id, secretId: secret_id }),
      dangerouslyAllowEverything: true,
      audit: { devices: [callback('test', (entry) => void entries.push(entry))] },
    },
    { clock, random: fixedRandom() },
  )
  t.after(() => gateway.close())
  return { clock, server, gateway, entries }
}

test('a gateway keeps one lease of the fake server, and reads anew when it has ended', async (t) => {
  const { clock, server, gateway } = await world(t)
  const first = await gateway.read('database/creds/orders')
  const second = await gateway.read('database/creds/orders')
  assert.deepEqual([first.source, second.source], ['server', 'cache'])
  assert.equal(server.mints('database/creds/orders'), 1)
  // Nobody asks for longer than its TTL: it is not kept alive for nobody.
  await clock.advance(3 * 3_600_000)
  assert.ok(server.mints('database/creds/orders') <= 2)
  const third = await gateway.read('database/creds/orders')
  assert.equal(third.source, 'server')
  assert.notEqual(third.data.password, first.data.password)
})

test('what the fake server holds is not found in the audit entries', async (t) => {
  const { server, gateway, entries } = await world(t)
  const secrets = plantSecrets(['password'])
  server.root('POST', 'secret/data/orders', { data: { password: secrets.password } })
  const answer = await gateway.read('secret/data/orders')
  assert.deepEqual(answer.data.data, secrets)
  assert.ok(entries.length > 0)
  assert.deepEqual(findPlanted(entries, secrets), [])
})
