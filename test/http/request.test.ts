import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestTarget } from '../../lib/http/path.ts'
import { seal } from '../../lib/model/sealed.ts'
import { json, KV, peer, SECRET, send, TOKEN, transportTo } from './support.ts'

const ODD_NAMES: readonly (readonly [string, string])[] = [
  ['kv/data/a?b', '/v1/kv/data/a%3Fb'],
  ['kv/data/a#b', '/v1/kv/data/a%23b'],
  ['kv/data/a%2e%2e', '/v1/kv/data/a%252e%252e'],
  ['kv/data/%2e%2e', '/v1/kv/data/%252e%252e'],
  ['kv/data/a%2Fb', '/v1/kv/data/a%252Fb'],
  ['kv/data/ a b ', '/v1/kv/data/%20a%20b%20'],
  ['kv/data/a\\b', '/v1/kv/data/a%5Cb'],
  ['kv/data/caf\u00e9', '/v1/kv/data/caf%C3%A9'],
  ['kv/data/cafe\u0301', '/v1/kv/data/cafe%CC%81'],
  ['kv/data/a+b', '/v1/kv/data/a%2Bb'],
  ['kv/data/*', '/v1/kv/data/%2A'],
  ["kv/data/!'()", '/v1/kv/data/%21%27%28%29'],
  ['kv/data/a..b', '/v1/kv/data/a..b'],
  ['kv/data/..a', '/v1/kv/data/..a'],
  ['kv/data/a..', '/v1/kv/data/a..'],
  ['kv/data/...', '/v1/kv/data/...'],
  ['kv/data/.a', '/v1/kv/data/.a'],
  ['kv/metadata/', '/v1/kv/metadata/'],
  ['kv/data/a?b/', '/v1/kv/data/a%3Fb/'],
  ['kv/data/a;b=c,d:e@f&g', '/v1/kv/data/a%3Bb%3Dc%2Cd%3Ae%40f%26g'],
  ['kv/data/\u{1F511}', '/v1/kv/data/%F0%9F%94%91'],
]

test('odd names arrive as they are', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  const transport = transportTo(t, { address: server.url })
  for (const [path, sent] of ODD_NAMES) {
    await send(transport, { path })
    const { url } = server.seen.at(-1) ?? assert.fail()
    assert.equal(url, sent)
    assert.equal(decodeURIComponent(url), `/v1/${path}`)
  }
})

test('a path that is not canonical is refused and not sent', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  const transport = transportTo(t, { address: server.url })
  const paths = [
    '',
    '/',
    '/a',
    'a//b',
    'a/./b',
    'a/../b',
    '..',
    '.',
    'a/..',
    './a',
    'a/../',
    'a/b\n',
    'a\u0000',
    'a\u007f/é',
    'a/\ud800',
  ]
  for (const path of paths) await assert.rejects(send(transport, { path }), TypeError, JSON.stringify(path))
  assert.equal(server.seen.length, 0)
})

test('query parameters are encoded, and those that change the operation are refused', () => {
  assert.equal(
    requestTarget('', 'read', 'a', { 'v ersion': "1&list=true#'*" }),
    '/v1/a?v%20ersion=1%26list%3Dtrue%23%27%2A',
  )
  assert.equal(requestTarget('/vault', 'list', 'a/', { after: 'x' }), '/vault/v1/a/?list=true&after=x')
  assert.equal(requestTarget('', 'scan', 'a/', {}), '/v1/a/?scan=true')
  for (const name of ['list', 'scan', 'help'])
    assert.throws(() => requestTarget('', 'read', 'a', { [name]: 'true' }), TypeError)
})

test('each operation has its method', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  const transport = transportTo(t, { address: server.url })
  for (const operation of ['read', 'list', 'scan', 'write', 'patch', 'delete'] as const)
    await send(transport, { operation })
  assert.deepEqual(
    server.seen.map(({ method, url }) => `${method} ${url}`),
    [
      'GET /v1/kv/data/app',
      'GET /v1/kv/data/app?list=true',
      'GET /v1/kv/data/app?scan=true',
      'POST /v1/kv/data/app',
      'PATCH /v1/kv/data/app',
      'DELETE /v1/kv/data/app',
    ],
  )
})

test('a request carries these headers and no others', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  const transport = transportTo(t, { address: server.url })
  await send(transport)
  assert.deepEqual(server.seen[0]?.headers, {
    host: `127.0.0.1:${server.port}`,
    connection: 'keep-alive',
    'user-agent': 'portcullis',
    'x-vault-request': 'true',
    'x-correlation-id': 'request-1',
    'x-vault-token': TOKEN,
  })
})

test('namespace, wrap TTL and body are sent where they are given', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  const transport = transportTo(t, { address: server.url })
  const body = JSON.stringify({ password: SECRET, name: 'é' })
  await send(transport, { operation: 'write', namespace: 'team-a/sub', wrapTtlMs: 90_000, body, token: undefined })
  await send(transport, { operation: 'patch', body })
  const [write, patch] = server.seen
  assert.equal(write?.body, body)
  assert.equal(write.headers['x-vault-namespace'], 'team-a/sub')
  assert.equal(write.headers['x-vault-wrap-ttl'], '90')
  assert.equal(write.headers['content-type'], 'application/json')
  assert.equal(write.headers['x-vault-token'], undefined)
  assert.equal(patch?.headers['content-type'], 'application/merge-patch+json')
  assert.equal(patch.body, body)
})

test('a token, namespace or id that would split a header is refused, unsent and unnamed', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  const transport = transportTo(t, { address: server.url })
  const bad = `${TOKEN}\r\nx-vault-namespace: root`
  for (const change of [{ token: seal(bad) }, { token: seal('') }, { namespace: bad }, { requestId: bad }]) {
    await assert.rejects(
      send(transport, change),
      (error: Error) => error instanceof TypeError && !error.message.includes(TOKEN),
    )
  }
  assert.equal(server.seen.length, 0)
})

test('a path before /v1 is kept', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  await send(transportTo(t, { address: `${server.url}/vault/` }))
  assert.equal(server.seen[0]?.url, '/vault/v1/kv/data/app')
})
