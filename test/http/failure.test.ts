import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { GatewayError } from '../../lib/errors/index.ts'
import { failing } from './expect.ts'
import { assertNoLeak } from './leaks.ts'
import { json, KV, peer, SECRET, send, TOKEN, tcpPeer, transportTo } from './support.ts'

const WRITE = { operation: 'write', body: JSON.stringify({ password: SECRET }) } as const

test('a server that hangs ends in a time-out; the write may have happened', async (t) => {
  const server = await peer(t, () => {})
  const transport = transportTo(t, { address: server.url })
  const error = await failing(send(transport, { ...WRITE, repeatable: true }, { timeoutMs: 60 }), 'TIMEOUT')
  assert.equal(error.mayHaveHappened, true)
  assert.equal(server.seen.length, 1)
  assert.match(error.message, /within 60 ms/)
})

test('a server that hangs in the middle of the body ends in a time-out', async (t) => {
  const server = await tcpPeer(t, (socket) => {
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"data":"${SECRET}`))
  })
  const error = await failing(send(transportTo(t, { address: server.url }), {}, { timeoutMs: 60 }), 'TIMEOUT')
  assert.equal(error.status, 200)
})

test('a call that got no connection in time was not sent, and is not sent later', async (t) => {
  const server = await peer(t, (response, _request, count) => {
    setTimeout(() => json(response, 200, KV), count === 1 ? 150 : 0)
  })
  const transport = transportTo(t, { address: server.url, connections: 1 })
  const first = send(transport)
  const error = await failing(send(transport, WRITE, { timeoutMs: 50 }), 'TIMEOUT')
  assert.equal(error.mayHaveHappened, false)
  await first
  await send(transport, { operation: 'list' })
  assert.deepEqual(
    server.seen.map(({ method, url }) => `${method} ${url}`),
    ['GET /v1/kv/data/app', 'GET /v1/kv/data/app?list=true'],
  )
})

test('the time limit covers the repeats', async (t) => {
  const server = await peer(t, (response) => json(response, 412, {}))
  const startMs = performance.now()
  const transport = transportTo(t, { address: server.url, maxRetries: 100, retryWaitMs: 20 })
  await failing(send(transport, {}, { timeoutMs: 200 }), 'STALE')
  assert.ok(performance.now() - startMs < 1000)
})

test('an abort rejects with the reason of the signal, at every stage', async (t) => {
  const reason = new Error('enough')
  const hanging = await peer(t, () => {})
  const stages: readonly (readonly [string, string])[] = [
    ['in flight', hanging.url],
    ['between two tries', (await peer(t, (response) => json(response, 503, { errors: ['Vault is sealed'] }))).url],
  ]
  for (const [stage, address] of stages) {
    const abort = new AbortController()
    const call = send(transportTo(t, { address, retryWaitMs: 2000 }), {}, { signal: abort.signal })
    setTimeout(() => abort.abort(reason), 50)
    await assert.rejects(call, (error) => error === reason, stage)
  }
  const before = send(transportTo(t, { address: hanging.url }), {}, { signal: AbortSignal.abort(reason) })
  await assert.rejects(before, (error) => error === reason)
  assert.equal(hanging.seen.length, 1)
})

test('an answer leaves nothing on the signal', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  const { signal } = new AbortController()
  let listeners = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1
    remove(...args)
  }
  await send(transportTo(t, { address: server.url }), {}, { signal })
  assert.equal(listeners, 0)
})

test('an unknown host is told as such', async (t) => {
  const transport = transportTo(t, { address: 'http://does-not-exist.invalid:8200', maxRetries: 1 })
  const error = await failing(send(transport, WRITE), 'DNS')
  assert.match(error.message, /does-not-exist\.invalid:8200 cannot be resolved/)
  assert.equal(error.mayHaveHappened, false)
})

test('an answer cut short is told as such', async (t) => {
  const heads = ['content-length: 90\r\n', 'transfer-encoding: chunked\r\n']
  for (const head of heads) {
    const body = head.startsWith('content')
      ? `{"data":{"password":"${SECRET}"`
      : `30\r\n{"data":{"password":"${SECRET}"`
    const server = await tcpPeer(t, (socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${head}\r\n${body}`))
    })
    const error = await failing(send(transportTo(t, { address: server.url }), WRITE), 'TRUNCATED')
    assert.equal(error.mayHaveHappened, true)
    assert.equal(error.status, 200)
  }
})

test('a refusal cut short did not happen', async (t) => {
  const server = await tcpPeer(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 90\r\n\r\n{'))
  })
  const error = await failing(send(transportTo(t, { address: server.url }), WRITE), 'TRUNCATED')
  assert.equal(error.mayHaveHappened, false)
})

test('an answer above maxResponseBytes is refused by its length, before it is read', async (t) => {
  const server = await tcpPeer(t, (socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n'))
  })
  const transport = transportTo(t, { address: server.url, maxResponseBytes: 1999 })
  const error = await failing(send(transport, WRITE), 'TOO_LARGE')
  assert.match(error.message, /maxResponseBytes \(1999\)/)
  assert.equal(error.mayHaveHappened, true)
})

test('an answer above maxResponseBytes is refused while it comes, where no length is told', async (t) => {
  let isClosed = false
  const server = await peer(t, (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const write = (): void => void (response.writable && response.write('x'.repeat(1024)) && setImmediate(write))
    response.on('drain', write).on('close', () => {
      isClosed = true
    })
    write()
  })
  await failing(send(transportTo(t, { address: server.url, maxResponseBytes: 10_000 })), 'TOO_LARGE')
  while (!isClosed) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('an answer in thousands of small chunks is put together', async (t) => {
  const text = Array.from({ length: 5000 }, (_, at) => String(at)).join()
  const body = JSON.stringify({ data: { text } })
  const server = await tcpPeer(t, (socket) => {
    socket.once('data', () => {
      const chunks = body.replaceAll(/./gs, (byte) => `1\r\n${byte}\r\n`)
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
      )
    })
  })
  assert.equal((await send(transportTo(t, { address: server.url }))).data?.text, text)
})

test('an answer of just maxResponseBytes is taken', async (t) => {
  const body = JSON.stringify({ data: { a: 'x'.repeat(2000) } })
  const server = await peer(t, (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body))
  await send(transportTo(t, { address: server.url, maxResponseBytes: body.length }))
  await failing(send(transportTo(t, { address: server.url, maxResponseBytes: body.length - 1 })), 'TOO_LARGE')
})

test('what is no HTTP is a bad answer, and its bytes stay out of the cause', async (t) => {
  const server = await tcpPeer(t, (socket) => socket.once('data', () => socket.end(`${SECRET} ${TOKEN}\r\n\r\n`)))
  const error = await failing(send(transportTo(t, { address: server.url })), 'BAD_ANSWER')
  assert.match(error.message, /does not answer in HTTP/)
})

test('a chunked answer that ends without its end, on a connection that closes, is cut short', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n'
  const server = await tcpPeer(t, (socket) => socket.once('data', () => socket.end(`${head}5\r\n{"dat\r\n`)))
  await failing(send(transportTo(t, { address: server.url })), 'TRUNCATED')
})

test('a broken chunk is a bad answer, and its bytes stay out of the cause', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
  const server = await tcpPeer(t, (socket) =>
    socket.once('data', () => socket.write(`${head}zz${SECRET} ${TOKEN}\r\n`)),
  )
  const error = await failing(send(transportTo(t, { address: server.url })), 'BAD_ANSWER')
  assert.ok(error.cause instanceof Error && error.cause.message !== '')
})

test('headers beyond all measure are a bad answer', async (t) => {
  const server = await tcpPeer(t, (socket) => {
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`))
  })
  await failing(send(transportTo(t, { address: server.url })), 'BAD_ANSWER')
})

test("the server's own words are reachable, and stand in no message unless they are harmless", async (t) => {
  const errors = [`1 error occurred:\n\t* permission denied for ${SECRET}`, `bad value ${SECRET} of ${TOKEN}`]
  const server = await peer(t, (response) => json(response, 403, { request_id: 'r-9', errors }))
  const error = await failing(send(transportTo(t, { address: server.url })), 'FORBIDDEN')
  assert.deepEqual(error.serverErrors(), errors)
  assert.equal(error.message, 'read kv/data/app: the server answered 403 (permission denied)')
  assert.equal(error.requestId, 'r-9')
})

test('a refusal without words of the server names the status', async (t) => {
  const server = await peer(t, (response) => response.writeHead(405, { 'content-type': 'text/html' }).end(SECRET))
  const error = await failing(send(transportTo(t, { address: server.url })), 'BAD_REQUEST')
  assert.equal(error.message, 'read kv/data/app: the server answered 405 (Method Not Allowed)')
  assert.deepEqual(error.serverErrors(), [])
})

test('the errors of transports, their configuration and themselves leak nothing', async (t) => {
  const transport = transportTo(t, { address: 'http://127.0.0.1:1', proxy: `http://user:${SECRET}@127.0.0.1:1` })
  const error = await failing(send(transport, WRITE), 'UNREACHABLE')
  assert.match(error.message, /by the proxy 127\.0\.0\.1:1/)
  assertNoLeak(JSON.stringify(transport))
})

test('close waits for what is in flight, takes nothing more, and may be called twice', async (t) => {
  const server = await peer(t, (response) => setTimeout(() => json(response, 200, KV), 80))
  const transport = transportTo(t, { address: server.url })
  let isDone = false
  const call = send(transport).then(() => {
    isDone = true
  })
  await once(server.server, 'request')
  const closed = transport.close()
  await assert.rejects(
    send(transport),
    (error) => error instanceof GatewayError && error.code === 'ERR_PORTCULLIS_GATEWAY_CLOSED',
  )
  await Promise.all([closed, transport.close()])
  assert.equal(isDone, true)
  await call
})

test('close after a call that got no connection does not wait for one', async (t) => {
  const server = await peer(t, () => {})
  const transport = transportTo(t, { address: server.url, connections: 1 })
  const calls = [send(transport, {}, { timeoutMs: 50 }), send(transport, {}, { timeoutMs: 50 })]
  for (const call of calls) await failing(call, 'TIMEOUT')
  await transport.close()
})
