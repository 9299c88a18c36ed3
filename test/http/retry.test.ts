import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { ServerError, type ServerErrorDetails } from '../../lib/errors/index.ts'
import { isRepeatable, waitBeforeMs } from '../../lib/http/retry.ts'
import { retryAfterMs } from '../../lib/http/retry-after.ts'
import { failing } from './expect.ts'
import {
  type Handle,
  json,
  KV,
  listening,
  type Peer,
  peer,
  recording,
  SECRET,
  send,
  tcpPeer,
  transportTo,
} from './support.ts'

const SEALED = { errors: ['Vault is sealed'] }
const WRITE = { operation: 'write', body: JSON.stringify({ password: SECRET }) } as const

/** Answers `first` to the first request, a secret to the rest. */
function once(first: Handle): Handle {
  return (response, request, count) => (count === 1 ? first(response, request, count) : json(response, 200, KV))
}

const NOT_CARRIED_OUT: readonly (readonly [string, number, unknown])[] = [
  ['Vault is sealed', 503, SEALED],
  ['OpenBao is sealed', 503, { errors: ['OpenBao is sealed'] }],
  ['standby', 503, { errors: ['Vault is in standby mode'] }],
  ['no active node', 500, { errors: ['local node not active but active cluster node not found'] }],
  ['412', 412, { errors: [] }],
  ['429', 429, { errors: ['rate limit quota exceeded'] }],
]

for (const [name, status, body] of NOT_CARRIED_OUT) {
  test(`${name}: any request is sent again`, async (t) => {
    const server = await peer(
      t,
      once((response) => json(response, status, body)),
    )
    const answer = await send(transportTo(t, { address: server.url }), WRITE)
    assert.equal(answer.status, 200)
    assert.equal(server.seen.length, 2)
    assert.equal(server.seen[1]?.body, WRITE.body)
  })
}

test('a sealed server is told as such after the repeats', async (t) => {
  const server = await peer(t, (response) => json(response, 503, SEALED))
  const error = await failing(send(transportTo(t, { address: server.url, maxRetries: 1 }), WRITE), 'SEALED')
  assert.equal(server.seen.length, 2)
  assert.equal(error.status, 503)
  assert.equal(error.mayHaveHappened, false)
  assert.equal(error.message, 'write kv/data/app: the server answered 503 (Vault is sealed)')
})

test('maxRetries 0 sends once', async (t) => {
  const server = await peer(t, (response) => json(response, 503, SEALED))
  await failing(send(transportTo(t, { address: server.url, maxRetries: 0 })), 'SEALED')
  assert.equal(server.seen.length, 1)
})

test('a 503 that only mentions a standby may have been carried out', async (t) => {
  const errors = ['cannot write: database is a standby, Vault is sealed for it']
  const server = await peer(t, (response) => json(response, 503, { errors }))
  const error = await failing(send(transportTo(t, { address: server.url }), WRITE), 'FAILED')
  assert.equal(server.seen.length, 1)
  assert.equal(error.mayHaveHappened, true)
})

for (const status of [500, 502, 503, 504]) {
  test(`${status}: repeated where the request is repeatable, else not`, async (t) => {
    const server = await peer(
      t,
      once((response) => json(response, status, { errors: ['boom'] })),
    )
    const transport = transportTo(t, { address: server.url })
    assert.equal((await send(transport, { repeatable: true })).status, 200)
    const other = await peer(
      t,
      once((response) => json(response, status, { errors: ['boom'] })),
    )
    const error = await failing(send(transportTo(t, { address: other.url })), 'FAILED')
    assert.equal(other.seen.length, 1)
    assert.equal(error.mayHaveHappened, true)
  })
}

test('501 is never repeated, and not temporary', async (t) => {
  const server = await peer(t, (response) => json(response, 501, {}))
  const error = await failing(send(transportTo(t, { address: server.url }), { repeatable: true }), 'FAILED')
  assert.equal(server.seen.length, 1)
  assert.equal(error.temporary, false)
})

for (const status of [472, 473]) {
  test(`${status} is a standby, and stays one`, async (t) => {
    const server = await peer(t, (response) => json(response, status, {}))
    await failing(send(transportTo(t, { address: server.url }), { repeatable: true }), 'STANDBY')
    assert.equal(server.seen.length, 1)
  })
}

test('sys/health is told by its fields and not repeated', async (t) => {
  const server = await peer(t, (response, _request, count) => {
    if (count === 1) json(response, 503, { initialized: true, sealed: true, standby: true })
    else json(response, 429, { initialized: true, sealed: false, standby: true })
  })
  const transport = transportTo(t, { address: server.url })
  await failing(send(transport, { path: 'sys/health', repeatable: true }), 'SEALED')
  await failing(send(transport, { path: 'sys/health', repeatable: true }), 'STANDBY')
  assert.equal(server.seen.length, 2)
})

test('Retry-After is waited for', async (t) => {
  const server = await peer(
    t,
    once((response) => json(response, 429, {}, { 'retry-after': '1' })),
  )
  const startMs = performance.now()
  await send(transportTo(t, { address: server.url }))
  assert.ok(performance.now() - startMs >= 950)
})

test('a Retry-After that does not fit the time left fails at once and is passed on', async (t) => {
  const server = await peer(t, (response) => json(response, 429, {}, { 'retry-after': '30' }))
  const startMs = performance.now()
  const error = await failing(send(transportTo(t, { address: server.url }), {}, { timeoutMs: 3000 }), 'RATE_LIMITED')
  assert.equal(error.retryAfterMs, 30_000)
  assert.equal(server.seen.length, 1)
  assert.ok(performance.now() - startMs < 2500)
})

test('Retry-After is seconds or an HTTP date, and nothing else', () => {
  const nowMs = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')
  assert.equal(retryAfterMs('120', nowMs), 120_000)
  assert.equal(retryAfterMs('0', nowMs), 0)
  assert.equal(retryAfterMs('Wed, 21 Oct 2026 07:28:07 GMT', nowMs), 7000)
  assert.equal(retryAfterMs('Wed, 21 Oct 2020 07:28:00 GMT', nowMs), 0)
  assert.equal(retryAfterMs('999999999999999', nowMs), 365 * 86_400_000)
  for (const bad of ['', '-1', '1.5', 'soon', '1e3', '2026-10-21', undefined, ['1', '2']])
    assert.equal(retryAfterMs(bad, nowMs), undefined)
})

test('waits grow with the tries, and chance adds up to half of one', () => {
  const policy = { maxRetries: 2, retryWaitMs: 1000 }
  const failed = errorOf('ERR_PORTCULLIS_SERVER_SEALED', {})
  assert.equal(waitBeforeMs(failed, policy, 1, 0), 1000)
  assert.equal(waitBeforeMs(failed, policy, 2, 0.5), 2250)
  const told = errorOf('ERR_PORTCULLIS_SERVER_RATE_LIMITED', { retryAfterMs: 7000 })
  assert.equal(waitBeforeMs(told, policy, 2, 0.999), 7500)
})

test('what may have been carried out is repeated only where the request says so', () => {
  const repeats = (code: ServerError['code'], mayHaveHappened: boolean, repeatable: boolean): boolean =>
    isRepeatable(errorOf(code, { mayHaveHappened }), { path: 'a', repeatable })
  for (const code of ['UNREACHABLE', 'FAILED', 'TRUNCATED', 'DNS'] as const) {
    assert.equal(repeats(`ERR_PORTCULLIS_SERVER_${code}`, true, false), false)
    assert.equal(repeats(`ERR_PORTCULLIS_SERVER_${code}`, true, true), true)
    assert.equal(repeats(`ERR_PORTCULLIS_SERVER_${code}`, false, false), true)
  }
  for (const code of [
    'TLS',
    'TOO_LARGE',
    'BAD_ANSWER',
    'REDIRECT',
    'FORBIDDEN',
    'NOT_FOUND',
    'BAD_REQUEST',
    'TIMEOUT',
  ] as const) {
    assert.equal(repeats(`ERR_PORTCULLIS_SERVER_${code}`, false, true), false)
  }
})

function errorOf(code: ServerError['code'], details: Partial<ServerErrorDetails>): ServerError {
  return new ServerError(code as ConstructorParameters<typeof ServerError>[0], '', {
    operation: 'read',
    path: 'a',
    ...details,
  })
}

test('a server that starts between two tries is reached, also by a write', async (t) => {
  const { port } = await freePort(t)
  const seen: Peer['seen'] = []
  const server = createServer(recording(seen, (response) => json(response, 200, KV)))
  const transport = transportTo(t, { address: `http://127.0.0.1:${port}`, retryWaitMs: 100 })
  const answer = send(transport, WRITE)
  setTimeout(() => void listening(t, server, port), 30)
  assert.equal((await answer).status, 200)
  assert.equal(seen.length, 1)
})

test('a refused connection is told with the address, and nothing has happened', async (t) => {
  const { port } = await freePort(t)
  const error = await failing(send(transportTo(t, { address: `http://127.0.0.1:${port}` }), WRITE), 'UNREACHABLE')
  assert.equal(error.message, `write kv/data/app: nothing listens at http://127.0.0.1:${port} (ECONNREFUSED)`)
  assert.equal(error.mayHaveHappened, false)
  assert.equal(error.temporary, true)
})

test('a reset after the request was sent is repeated only where that is harmless', async (t) => {
  const reset = await tcpPeer(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
  const error = await failing(send(transportTo(t, { address: reset.url }), WRITE), 'UNREACHABLE')
  assert.equal(error.mayHaveHappened, true)
  const server = await peer(
    t,
    once((response) => void response.socket?.destroy()),
  )
  const transport = transportTo(t, { address: server.url })
  assert.equal((await send(transport, { repeatable: true })).status, 200)
  const other = await peer(
    t,
    once((response) => void response.socket?.destroy()),
  )
  await failing(send(transportTo(t, { address: other.url })), 'UNREACHABLE')
  assert.equal(other.seen.length, 1)
})

/** A port where nothing listens. */
async function freePort(t: import('node:test').TestContext): Promise<{ port: number }> {
  const server = createServer()
  const port = await listening(t, server)
  await new Promise((resolve) => server.close(resolve))
  return { port }
}
