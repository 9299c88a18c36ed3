import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import test from 'node:test'
import { changeTokens, makeToken } from 'portcullis/sidecar'
import { startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { temporaryFolder } from './real.ts'
import { ask, openWorld } from './sidecar-world.ts'

const skip = await realServersAbsent()

const forService = (service: string, path: string): object => ({
  policy: `for-${service}`,
  subject: { properties: { service: { const: service } }, required: ['service'] },
  rules: [{ path, operations: ['*'], effect: 'allow' }],
})

test('each listener and each local token is a caller with policies of its own', { skip }, async (t) => {
  const server = await startBao(t)
  const folder = temporaryFolder(t)
  const file = join(folder, 'tokens.json')
  const good = makeToken({ service: 'b' }, new Date(Date.now() + 600_000))
  const old = makeToken({ service: 'b' }, new Date(Date.now() - 1))
  await changeTokens(file, () => [good.stored, old.stored])
  const unix = join(folder, 's')
  const { sidecar, address } = await openWorld(
    t,
    server,
    { tokens: { file }, listeners: [{ tcp: '127.0.0.1:0', caller: { service: 'a' } }, { unix }] },
    [forService('a', 'secret/data/a/*'), forService('b', 'secret/data/b/*')],
  )
  for (const name of ['a', 'b']) await server.root('POST', `secret/data/${name}/x`, { data: { name } })
  const get = (path: string, headers = {}): ReturnType<typeof ask> => ask(address, 'GET', `/v1/${path}`, { headers })

  assert.equal((await get('secret/data/a/x')).status, 200)
  const denied = await get('secret/data/b/x')
  assert.equal(denied.status, 403)
  assert.match(JSON.parse(denied.text).errors[0], /no rule|no policy|denied/)
  for (const headers of [{ 'x-vault-token': good.token }, { authorization: `Bearer ${good.token}` }]) {
    assert.equal((await get('secret/data/b/x', headers)).status, 200)
    assert.equal((await get('secret/data/a/x', headers)).status, 403)
  }
  const refused = [old.token, `${good.token}x`, server.rootToken, 'pcl_']
  for (const token of refused) {
    const answer = await get('secret/data/a/x', { 'x-vault-token': token })
    assert.equal(answer.status, 403)
    assert.equal(answer.text.includes(token.slice(4) || 'none'), false)
  }

  const unixStatus = await new Promise<number>((resolve, reject) => {
    request({ socketPath: unix, path: '/v1/secret/data/a/x', headers: { 'x-vault-request': 'true' } })
      .once('error', reject)
      .once('response', (response) => resolve(response.resume().statusCode ?? 0))
      .end()
  })
  assert.equal(unixStatus, 403, 'nobody is known on the unix socket')

  // Revoked: good for a second at most.
  await changeTokens(file, () => [])
  await sidecar.reload()
  assert.equal((await get('secret/data/b/x', { 'x-vault-token': good.token })).status, 403)
})

test('a listener that passes tokens through lends nothing of its own', { skip }, async (t) => {
  const server = await startBao(t)
  await server.root('PUT', 'sys/policies/acl/reader', { policy: 'path "secret/data/mine" { capabilities = ["read"] }' })
  for (const name of ['mine', 'other']) await server.root('POST', `secret/data/${name}`, { data: { name } })
  await server.root('POST', 'sys/auth/userpass', { type: 'userpass' })
  await server.root('POST', 'auth/userpass/users/u', { password: 'p-of-u', token_policies: 'reader' })
  const { address } = await openWorld(t, server, { listeners: [{ tcp: '127.0.0.1:0', passThrough: true }] })

  assert.equal((await ask(address, 'GET', '/v1/secret/data/mine')).status, 403)
  const login = await ask(address, 'POST', '/v1/auth/userpass/login/u', { body: '{"password":"p-of-u"}' })
  const token = JSON.parse(login.text).auth.client_token
  const headers = { 'x-vault-token': token }
  assert.equal((await ask(address, 'GET', '/v1/secret/data/mine', { headers })).status, 200)
  const other = await ask(address, 'GET', '/v1/secret/data/other', { headers })
  assert.equal(other.status, 403)
  assert.match(JSON.parse(other.text).errors[0], /permission denied/)
  assert.equal(JSON.parse((await ask(address, 'GET', '/v1/auth/token/lookup-self', { headers })).text).data.id, token)
})

const FOREIGN: readonly (readonly [what: string, headers: Readonly<Record<string, string>>, status: number])[] = [
  ['a proxy', { 'x-forwarded-for': '10.0.0.1' }, 403],
  ['a page of a browser', { origin: 'https://evil.example' }, 403],
  ['a name that was bound to this machine', { host: 'evil.example' }, 403],
  ['this machine by name', { host: 'localhost:8100' }, 200],
  ['no mark', { 'x-vault-request': 'false' }, 412],
  ['inline authentication', { 'x-vault-inline-auth-path': 'auth/x' }, 400],
  ['a policy override', { 'x-vault-policy-override': 'true' }, 400],
  ['a namespace that is not configured', { 'x-vault-namespace': 'team-b' }, 403],
  ['a wrap TTL that is none', { 'x-vault-wrap-ttl': 'soon' }, 400],
  ['an encoded body', { 'content-encoding': 'gzip' }, 415],
  ['headers of its own', { 'x-anything': 'x', traceparent: 'nonsense' }, 200],
]

test('requests that are not meant for the listener are not answered', { skip }, async (t) => {
  const server = await startBao(t)
  const { address } = await openWorld(t, server)
  for (const [what, headers, status] of FOREIGN) {
    const answer = await ask(address, 'GET', '/v1/sys/seal-status', { headers })
    assert.equal(answer.status, status, `${what}: ${answer.text}`)
  }
})

test('odd paths and bodies are refused before anything is sent, and every refusal by the gateway is recorded', {
  skip,
}, async (t) => {
  const server = await startBao(t)
  const world = await openWorld(t, server)
  for (const path of [
    '%2e%2e/sys/mounts',
    'kv/./a',
    'kv//a',
    'kv/a%0a',
    'kv/%252e%252e/a',
    'kv\\a',
    'kv/%ff',
    'kv/a%00',
    '',
  ])
    assert.equal((await ask(world.address, 'GET', `/v1/${path}`)).status, 400, path)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const bodies: readonly (readonly [string, number, object?])[] = [
    ['a=1', 415, form],
    ['{"data":{"a":1,"a":2}}', 400],
    ['{"data":{}}{"data":{}}', 400],
    ['[]', 400],
  ]
  for (const [body, status, headers = {}] of bodies) {
    const answer = await ask(world.address, 'POST', '/v1/secret/data/a', { body, headers: { ...headers } })
    assert.equal(answer.status, status, body)
  }
  const before = await server.root('GET', 'secret/metadata?list=true').catch(() => undefined)
  assert.equal(before, undefined, 'nothing was written')
})

test('policies are reloaded on demand; a bad one leaves the old in force', { skip }, async (t) => {
  const server = await startBao(t)
  const { sidecar, address, folder } = await openWorld(t, server)
  const status = async (): Promise<number> => (await ask(address, 'GET', '/v1/sys/mounts')).status
  assert.equal(await status(), 200)
  writeFileSync(join(folder, 'policies', '0.json'), '{ "policy": "x", "rules": [{}] }')
  await assert.rejects(sidecar.reload(), AggregateError)
  assert.equal(await status(), 200)
  writeFileSync(join(folder, 'policies', '0.json'), '{ "policy": "x", "rules": [] }')
  await sidecar.reload()
  assert.equal(await status(), 403)
})
