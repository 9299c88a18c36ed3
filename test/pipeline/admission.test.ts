import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { createGateway } from '../../lib/gateway.ts'
import type { Gateway } from '../../lib/model/gateway.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { userpass } from '../../lib/session/auth/userpass.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { createFakeServer, type FakeServer } from '../../lib/testing/fake-server.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { allow, minting, open, policy } from './support.ts'

const FULL = { code: 'ERR_PORTCULLIS_LEASE_BUDGET' }
const ACL = `path "*" { capabilities = ["create", "read", "update", "list"] }`
const read = (path: string, more: object = {}): object => ({
  path,
  operations: ['read', 'list'],
  effect: 'allow',
  ...more,
})
const rules = [read('database/*'), read('plain/*'), read('unknown/*'), read('secret/*', { cache: { ttl: '1m' } })]

interface Setting {
  readonly gateway: Gateway
  readonly server: FakeServer
}

/** A gateway whose budget is spent by one lease. */
async function spent(t: TestContext): Promise<Setting> {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/app', { default_ttl: '1h', max_ttl: '24h' })
  server.root('POST', 'database/roles/other', { default_ttl: '1h', max_ttl: '24h' })
  server.root('POST', 'database/static-roles/app', { username: 'app', rotation_period: '1h' })
  server.root('POST', 'sys/mounts/plain', { type: 'kv', options: { version: '1' } })
  server.root('POST', 'plain/a', { color: 'green' })
  server.root('POST', 'secret/data/a', { data: { color: 'green' } })
  server.root('POST', 'sys/policies/acl/app', { policy: ACL })
  server.root('POST', 'sys/auth/userpass', { type: 'userpass' })
  server.root('POST', 'auth/userpass/users/app', { password: 'p', token_policies: ['app'] })
  const gateway = await createGateway(
    {
      server: server.transport(),
      auth: userpass({ username: 'app', password: 'p' }),
      policies: [policy('app', rules)],
      audit: { devices: [callback('none', () => {})] },
      leases: { max: 1 },
    },
    { clock, random: fixedRandom(), telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  await gateway.read('database/creds/app')
  await assert.rejects(gateway.read('database/creds/other'), FULL)
  return { gateway, server }
}

test('a read that mints nothing is never refused for the budget: kv v1, kv v2, with a cache grant, a list', async (t) => {
  const { gateway } = await spent(t)
  assert.equal((await gateway.read<{ color: string }>('plain/a')).data.color, 'green')
  assert.equal((await gateway.read('secret/data/a')).status, 200)
  assert.equal((await gateway.list('secret/metadata')).status, 200)
})

test('the password of a static role is not refused either, read or held', async (t) => {
  const { gateway } = await spent(t)
  assert.equal((await gateway.read('database/static-creds/app')).data.username, 'app')
  const held = await gateway.lease('database/static-creds/app')
  assert.equal(held.current().data.username, 'app')
})

test('a loop that mints over the budget costs the server no look-up a round', async (t) => {
  const { gateway, server } = await spent(t)
  const before = server.requests.length
  for (let n = 0; n < 50; n += 1) await assert.rejects(gateway.read('database/creds/other', { query: { n } }), FULL)
  assert.ok(server.requests.length <= before + 1)
  server.fault({ path: 'sys/internal/ui/mounts/*', status: 403, errors: ['no'] })
  for (let n = 0; n < 50; n += 1) await assert.rejects(gateway.read('unknown/x', { query: { n } }), FULL)
  assert.ok(server.requests.length <= before + 3)
})

const STS = 'aws/sts/app'

test('leases that plain writes mint are counted, and stop at the cap of their path', async (t) => {
  const mint = minting(60_000, STS)
  const { gateway, clock } = await open(t, {
    policies: [allow('*', ['write'])],
    leases: { maxPerPath: 3 },
    handlers: {
      [`write ${STS}`]: mint,
      'write transit/encrypt/a': answerWith({ data: { ciphertext: 'c' } }),
      'write sys/leases/revoke': answerWith({ status: 204 }),
    },
  })
  for (let n = 0; n < 3; n += 1) await gateway.write(STS, {})
  await assert.rejects(gateway.write(STS, {}), FULL)
  assert.equal(mint.minted, 3)
  for (let n = 0; n < 9; n += 1) await gateway.write('transit/encrypt/a', { plaintext: '' })

  await gateway.write('sys/leases/revoke', { lease_id: `${STS}/2` })
  await gateway.write(STS, {})
  await assert.rejects(gateway.write(STS, {}), FULL)
  await clock.advance(60_000)
  for (let n = 0; n < 3; n += 1) await gateway.write(STS, {})
  await assert.rejects(gateway.write(STS, {}), FULL)
})

test('leases of writes and of reads share the cap of the process', async (t) => {
  const { gateway } = await open(t, {
    policies: [allow('*', ['write', 'read'])],
    leases: { max: 2 },
    handlers: { [`write ${STS}`]: minting(60_000, STS) },
  })
  for (let n = 0; n < 2; n += 1) await gateway.write(STS, {})
  await assert.rejects(gateway.read('database/creds/app'), FULL)
})
