import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redirectTarget } from '../../lib/http/redirect.ts'
import { failing } from './expect.ts'
import { json, KV, peer, SECRET, send, TOKEN, transportTo } from './support.ts'

const WRITE = { operation: 'write', body: JSON.stringify({ password: SECRET }) } as const

test('a redirect to another host is not followed: that host sees nothing', async (t) => {
  const other = await peer(t, (response) => json(response, 200, KV))
  let connections = 0
  other.server.on('connection', () => {
    connections += 1
  })
  const server = await peer(t, (response, request) => {
    response.writeHead(307, { location: `${other.url}${request.url}` }).end()
  })
  const error = await failing(send(transportTo(t, { address: server.url }), { repeatable: true }), 'REDIRECT')
  assert.match(error.message, /not among allowedRedirectHosts/)
  assert.equal(connections, 0)
  assert.equal(server.seen.length, 1)
})

test('a redirect to an allowed host takes method, body, query and token along', async (t) => {
  const active = await peer(t, (response) => json(response, 200, KV))
  for (const status of [301, 302, 307, 308]) {
    const standby = await peer(t, (response, request) => {
      response.writeHead(status, { location: `${active.url}${request.url}` }).end()
    })
    const transport = transportTo(t, { address: standby.url, allowedRedirectHosts: [`127.0.0.1:${active.port}`] })
    assert.equal((await send(transport, { ...WRITE, path: 'kv/data/a b?', query: { v: '1 2' } })).status, 200)
    const seen = active.seen.at(-1)
    assert.equal(seen?.method, 'POST')
    assert.equal(seen.url, '/v1/kv/data/a%20b%3F?v=1%202')
    assert.equal(seen.body, WRITE.body)
    assert.equal(seen.headers['x-vault-token'], TOKEN)
    assert.equal(seen.headers.host, `127.0.0.1:${active.port}`)
  }
})

test('a redirect to the same host is followed once', async (t) => {
  const server = await peer(t, (response, request, count) => {
    if (count === 1) response.writeHead(307, { location: request.url ?? '' }).end()
    else json(response, 200, KV)
  })
  assert.equal((await send(transportTo(t, { address: server.url }))).status, 200)
  assert.equal(server.seen.length, 2)
})

test('a second redirect in a row is not followed', async (t) => {
  const server = await peer(t, (response, request) => response.writeHead(307, { location: request.url ?? '' }).end())
  const error = await failing(send(transportTo(t, { address: server.url })), 'REDIRECT')
  assert.match(error.message, /second in a row/)
  assert.equal(server.seen.length, 2)
})

test('only the same path and query at an allowed host are followed', () => {
  const decide = (location: string | string[] | undefined, status = 307): string => {
    const allowed = ['a.example:8200', 'b.example:8200', 'b.example:443']
    const found = redirectTarget(status, location, 'https://a.example:8200', '/v1/kv/a%2Fb?x=1', allowed)
    return 'origin' in found ? found.origin : found.refused
  }
  assert.equal(decide('https://b.example:8200/v1/kv/a%2Fb?x=1'), 'https://b.example:8200')
  assert.equal(decide('https://b.example/v1/kv/a%2Fb?x=1'), 'https://b.example')
  assert.equal(decide('/v1/kv/a%2Fb?x=1'), 'https://a.example:8200')
  assert.equal(decide('https://B.EXAMPLE:8200/v1/kv/a%2Fb?x=1'), 'https://b.example:8200')
  const refused = [
    'https://b.example:8201/v1/kv/a%2Fb?x=1',
    'https://b.example.evil:8200/v1/kv/a%2Fb?x=1',
    'https://b.example:8200@evil.example/v1/kv/a%2Fb?x=1',
    'https://user:pw@b.example:8200/v1/kv/a%2Fb?x=1',
    '//evil.example:8200/v1/kv/a%2Fb?x=1',
    '\\\\evil.example/v1/kv/a%2Fb?x=1',
    'http://b.example:8200/v1/kv/a%2Fb?x=1',
    'https://b.example:8200/v1/kv/a/b?x=1',
    'https://b.example:8200/v1/kv/a%2Fb',
    'https://b.example:8200/v1/kv/a%2Fb?x=1&list=true',
    'https://b.example:8200/v1/sys/../kv/a%2Fc?x=1',
    'file:///v1/kv/a%2Fb?x=1',
    'http://[',
    '',
  ]
  for (const location of refused) assert.match(decide(location), /^(it|its) /, location)
  assert.match(decide(undefined), /names no address/)
  assert.match(decide(['/v1/kv/a%2Fb?x=1', 'x']), /names no address/)
  assert.match(decide('/v1/kv/a%2Fb?x=1', 303), /change the method/)
})
