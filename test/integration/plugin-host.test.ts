import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { seal } from 'portcullis'
import { assertEntry } from '../support/entry-schema.ts'
import { goPlugin, JWT_PLUGIN, KV_PLUGIN, TERRAFORM_PLUGIN } from '../support/go-plugins.ts'
import { sha256Of } from '../support/sha256.ts'
import { createIssuer } from '../support/web-token.ts'
import { gatewayOver, startHost, untilReady } from './plugin-host-world.ts'

const READ_ALL = { rules: [{ path: '*', operations: ['*'], effect: 'allow', cache: { ttl: '30s' } }], policy: 'all' }

test('the Go kv plugin, versions 1 and 2, through a gateway with policy, cache and audit', async (t) => {
  const command = await goPlugin(t, KV_PLUGIN)
  const it = await startHost(t, {
    plugins: [{ name: 'kv', type: 'secret', command, sha256: sha256Of(command) }],
    mounts: { secret: { type: 'kv', options: { version: '2' } }, kv1: { type: 'kv' } },
  })
  const { gateway, entries } = await gatewayOver(t, it.host, {
    policies: [
      {
        policy: 'app',
        rules: [
          { path: 'secret/*', operations: ['*'], effect: 'allow' },
          { path: 'secret/data/cached', operations: ['read', 'write'], effect: 'allow', cache: { ttl: '30s' } },
          { path: 'kv1/*', operations: ['*'], effect: 'allow' },
          { path: 'kv1/no/*', operations: ['*'], effect: 'forbid' },
        ],
      },
    ],
  })
  const kv = gateway.kv('secret')
  await untilReady(() => kv.write('a/b', { color: 'green' }))
  assert.deepEqual((await kv.read('a/b')).value, { color: 'green' })
  await gateway.patch('secret/data/a/b', { data: { size: 'm' } })
  assert.deepEqual((await kv.read('a/b')).value, { color: 'green', size: 'm' })
  const list = await gateway.list('secret/metadata/a')
  assert.deepEqual(list.data, { keys: ['b'] })
  await assert.rejects(gateway.write('secret/data/a/b', { options: { cas: 9 }, data: {} }), {
    code: 'ERR_PORTCULLIS_SERVER_BAD_REQUEST',
  })
  await gateway.delete('secret/data/a/b')
  const deleted = await gateway.read('secret/data/a/b')
  assert.equal(deleted.status, 404)
  assert.equal((deleted.data as { readonly data: unknown }).data, null)
  await assert.rejects(gateway.read('secret/data/none'), { code: 'ERR_PORTCULLIS_SERVER_NOT_FOUND' })
  // Of version 1: leased by the server's rules only where the mount says so.
  await gateway.write('kv1/x', { v: '1', ttl: '30s' })
  const plain = await gateway.read('kv1/x')
  assert.deepEqual([plain.data, plain.leaseId], [{ v: '1', ttl: '30s' }, ''])
  await assert.rejects(gateway.read('kv1/no/x'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  await gateway.write('secret/data/cached', { data: { n: 1 } })
  const sources = [(await gateway.read('secret/data/cached')).source, (await gateway.read('secret/data/cached')).source]
  assert.deepEqual(sources, ['server', 'cache'])
  for (const entry of entries) assertEntry(entry)
  assert.ok(!JSON.stringify(entries).includes('green'))

  await gateway.close()
  const host = await it.restart()
  const { gateway: next } = await gatewayOver(t, host, { policies: [READ_ALL] })
  await untilReady(() => next.read('secret/data/cached'))
  assert.deepEqual(((await next.read('secret/data/cached')).data as { readonly data: unknown }).data, { n: 1 })
  assert.deepEqual((await next.read('kv1/x')).data, { v: '1', ttl: '30s' })
})

test('the Go terraform plugin: leases issued, renewed, revoked, with failing revocations made good; all are known after a restart', async (t) => {
  const command = await goPlugin(t, TERRAFORM_PLUGIN)
  const api = await startApi(t)
  const it = await startHost(t, {
    plugins: [{ name: 'terraform', type: 'secret', command, sha256: sha256Of(command) }],
    mounts: { tf: { type: 'terraform', defaultLeaseTtlMs: 600_000, maxLeaseTtlMs: 3_600_000 } },
  })
  const { gateway } = await gatewayOver(t, it.host, { policies: [READ_ALL] })
  await gateway.write('tf/config', { address: api.address, token: 'admin' })
  await gateway.write('tf/role/r', { user_id: 'u-1', ttl: '10m', max_ttl: '1h' })
  assert.deepEqual((await gateway.read('tf/role/r')).data.max_ttl, 3600)

  const first = await gateway.read('tf/creds/r')
  assert.deepEqual([first.data.token_id, first.renewable], ['at-1', true])
  assert.match(first.leaseId, /^tf\/creds\/r\/[A-Za-z0-9]{24}$/)
  const renewed = await gateway.write('sys/leases/renew', { lease_id: first.leaseId, increment: 1200 })
  assert.equal(Math.round(renewed.ttlMs / 1000), 1200)
  const capped = await gateway.write('sys/leases/renew', { lease_id: first.leaseId, increment: 99_999 })
  assert.equal(capped.warnings.length, 1)

  api.failNext(2)
  await assert.rejects(gateway.write('sys/leases/revoke', { lease_id: first.leaseId, sync: true }), {
    code: 'ERR_PORTCULLIS_SERVER_BAD_REQUEST',
  })
  await assert.rejects(gateway.write('sys/leases/revoke', { lease_id: first.leaseId, sync: true }), {
    code: 'ERR_PORTCULLIS_SERVER_BAD_REQUEST',
  })
  assert.deepEqual(api.alive(), ['at-1'])
  await gateway.write('sys/leases/revoke', { lease_id: first.leaseId, sync: true })
  assert.deepEqual(api.alive(), [])

  // A lease of 2 s ends while the host is down; another one lives on.
  await gateway.write('tf/role/short', { user_id: 'u-1', ttl: '2s', max_ttl: '1h' })
  const operator = await gatewayOver(t, it.host, { auth: it.host.operatorAuth(), dangerouslyAllowEverything: true })
  const token = await operator.gateway.write('auth/token/create', {
    policies: ['x'],
    no_parent: true,
    type: 'batch',
    ttl: '1h',
  })
  const owner = operator.gateway.as({}, { token: token.auth?.token ?? '' })
  const [long, short] = [await owner.read('tf/creds/r'), await owner.read('tf/creds/short')]
  assert.deepEqual(api.alive(), ['at-2', 'at-3'])
  await it.host.close()
  await sleep(2_100)
  assert.deepEqual(api.alive(), ['at-2', 'at-3'])
  const host = await it.restart()
  await until(() => api.alive().length === 1, 20_000)
  assert.deepEqual(host.operator.leases(), [long.leaseId])
  assert.ok(short.leaseId !== '')
  assert.ok(it.events.some(({ name, path }) => name === 'lease-expired' && path === 'tf/creds/short'))
  await host.operator.unmount('tf')
  assert.deepEqual(api.alive(), [])
})

test('the Go jwt plugin: a login through the gateway, judged by its holder, renewed, and known after a restart', async (t) => {
  const command = await goPlugin(t, JWT_PLUGIN)
  const issuer = createIssuer()
  const it = await startHost(t, {
    plugins: [{ name: 'jwt', type: 'auth', command, sha256: sha256Of(command) }],
    auths: { jwt: { type: 'jwt' } },
  })
  const operator = await gatewayOver(t, it.host, { auth: it.host.operatorAuth(), dangerouslyAllowEverything: true })
  await operator.gateway.write('auth/jwt/config', { jwt_validation_pubkeys: [issuer.publicKey] })
  await operator.gateway.write('auth/jwt/role/r', {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_audiences: ['a'],
    token_policies: ['P1', 'p2'],
    token_ttl: '10m',
    token_max_ttl: '30m',
  })
  const { gateway } = await gatewayOver(t, it.host, {
    policies: [
      { policy: 'login', rules: [{ path: '*', operations: ['*'], effect: 'allow' }] },
      {
        policy: 'alice',
        subject: {
          properties: { token: { type: 'object', properties: { alias: { const: 'alice' } }, required: ['alias'] } },
          required: ['token'],
        },
        rules: [{ path: 'auth/token/*', operations: ['*'], effect: 'allow' }],
      },
    ],
  })
  const login = (sub: string): Promise<string> =>
    gateway
      .login('auth/jwt/login', { role: 'r', jwt: issuer.issue({ sub, aud: 'a' }) })
      .then(({ auth }) => auth?.token ?? '')
  const token = await login('alice')
  const alice = gateway.as({}, { token })
  const { data } = await alice.read('auth/token/lookup-self')
  assert.deepEqual(
    [data.display_name, data.policies, data.path],
    ['jwt-alice', ['default', 'p1', 'p2'], 'auth/jwt/login'],
  )
  assert.ok(Number(data.ttl) > 590 && Number(data.ttl) <= 600)
  const renewed = await alice.write('auth/token/renew-self', { increment: '20m' })
  assert.equal(renewed.auth?.ttlMs, 1_200_000)
  const bob = gateway.as({}, { token: await login('bob') })
  await assert.rejects(bob.read('auth/token/lookup-self'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  await assert.rejects(gateway.login('auth/jwt/login', { role: 'r', jwt: 'x' }), {
    code: 'ERR_PORTCULLIS_SERVER_BAD_REQUEST',
  })

  await Promise.all([gateway.close(), operator.gateway.close()])
  const host = await it.restart()
  const described = await host.describe(seal(token))
  assert.deepEqual(
    [described?.alias, described?.mount, described?.policies],
    ['alice', 'auth/jwt/', ['default', 'p1', 'p2']],
  )
})

test('the built-in kv needs no registration, and its process serves both versions', async (t) => {
  const it = await startHost(t, { mounts: { secret: { type: 'kv', options: { version: '2' } }, one: { type: 'kv' } } })
  const { gateway } = await gatewayOver(t, it.host, { policies: [READ_ALL] })
  await untilReady(() => gateway.kv('secret').write('a', { color: 'green' }))
  assert.deepEqual((await gateway.kv('secret').read('a')).value, { color: 'green' })
  await gateway.kv('one').write('a', { color: 'red' })
  assert.deepEqual((await gateway.kv('one').read('a')).value, { color: 'red' })
})

async function until(isTrue: () => boolean, limitMs: number): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 50) {
    assert.ok(waitedMs < limitMs, 'it did not come about in time')
    await sleep(50)
  }
}

interface Api {
  readonly address: string
  /** The next so many deletions fail. */
  failNext(count: number): void
  alive(): readonly string[]
}

/** As much of the API as the terraform plugin needs: tokens that are made and deleted. */
async function startApi(t: TestContext): Promise<Api> {
  const alive = new Set<string>()
  let [count, failing] = [0, 0]
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      if (request.method === 'DELETE' && failing > 0) {
        failing -= 1
        response.writeHead(500).end('{}')
      } else if (request.method === 'DELETE') {
        alive.delete(request.url?.split('/').at(-1) ?? '')
        response.writeHead(204).end()
      } else if (request.method === 'GET') {
        response.writeHead(200).end('{"data":{}}')
      } else {
        const id = `at-${++count}`
        alive.add(id)
        const attributes = { token: 'secret', description: 'd', 'created-at': '2026-01-01T00:00:00.000Z' }
        const body = { data: { id, type: 'authentication-tokens', attributes } }
        response.writeHead(201, { 'content-type': 'application/vnd.api+json' }).end(JSON.stringify(body))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => server.close())
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failNext: (next) => {
      failing = next
    },
    alive: () => [...alive],
  }
}
