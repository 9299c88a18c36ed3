import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { certificates } from './certificates.ts'
import { failing } from './expect.ts'
import { json, KV, listening, type Peer, peer, recording, send, TOKEN, transportTo } from './support.ts'

function socketPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-sock-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 's')
}

test('a unix socket is reached by its address and by socketPath', async (t) => {
  const path = socketPath(t)
  const seen: Peer['seen'] = []
  await listening(t, createServer(recording(seen, (response) => json(response, 200, KV))), path)
  await send(transportTo(t, { address: `unix://${path}` }))
  await send(transportTo(t, { address: 'http://vault.example:8200', socketPath: path }))
  assert.deepEqual(
    seen.map(({ headers }) => headers.host),
    ['localhost', 'vault.example:8200'],
  )
})

test('a unix socket that is not there is named', async (t) => {
  const path = socketPath(t)
  const error = await failing(send(transportTo(t, { address: `unix://${path}` })), 'UNREACHABLE')
  assert.equal(error.message, `read kv/data/app: there is no socket at unix://${path} (ENOENT)`)
  assert.equal(error.mayHaveHappened, false)
})

interface Proxy {
  readonly url: string
  readonly lines: string[]
  readonly headers: Record<string, unknown>[]
}

/** A little HTTP proxy: CONNECT, and absolute-form requests. */
async function proxy(t: TestContext, status = 200): Promise<Proxy> {
  const lines: string[] = []
  const headers: Record<string, unknown>[] = []
  const tunnels = new Set<Socket>()
  const server = createServer((request, response) => {
    lines.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    if (status !== 200) return void response.writeHead(status).end()
    const passed = { ...request.headers }
    delete passed['proxy-authorization']
    const onward = httpRequest(request.url ?? '', { method: request.method ?? '', headers: passed }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  server.on('connect', (request, socket) => {
    lines.push(`CONNECT ${request.url}`)
    headers.push(request.headers)
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
    const [host = '', port] = (request.url ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    tunnels.add(onward)
    for (const end of [socket, onward]) end.on('error', () => {})
  })
  const port = await listening(t, server)
  t.after(() => {
    for (const socket of tunnels) socket.destroy()
  })
  return { url: `http://127.0.0.1:${port}`, lines, headers }
}

test('an http address goes through the proxy in absolute form', async (t) => {
  const between = await proxy(t)
  const server = await peer(t, (response) => json(response, 200, KV))
  const url = new URL(between.url)
  url.username = 'user'
  url.password = 'p%40ss'
  await send(transportTo(t, { address: server.url, proxy: url.href }))
  assert.deepEqual(between.lines, [`GET ${server.url}/v1/kv/data/app`])
  assert.equal(between.headers[0]?.['proxy-authorization'], `Basic ${Buffer.from('user:p@ss').toString('base64')}`)
  assert.equal(server.seen[0]?.headers['x-vault-token'], TOKEN)
  assert.equal(server.seen[0].headers.host, `127.0.0.1:${server.port}`)
})

test('an https address goes through a tunnel, whose end is checked and whose proxy sees no header of ours', async (t) => {
  const made = certificates(t)
  const between = await proxy(t)
  const seen: Peer['seen'] = []
  const { cert, key } = made.server
  const server = createHttpsServer(
    { cert, key },
    recording(seen, (response) => json(response, 200, KV)),
  )
  const port = await listening(t, server)
  const address = `https://127.0.0.1:${port}`
  const trusting = transportTo(t, { address, proxy: between.url, tls: { ca: made.authority.cert } })
  await send(trusting)
  await send(trusting)
  assert.deepEqual(new Set(between.lines), new Set([`CONNECT 127.0.0.1:${port}`]))
  assert.equal(between.headers[0]?.['x-vault-token'], undefined)
  assert.equal(seen.length, 2)
  await failing(send(transportTo(t, { address, proxy: between.url })), 'TLS')
  const named = { ca: made.authority.cert, serverName: 'vault.example' }
  await failing(send(transportTo(t, { address, proxy: between.url, tls: named })), 'TLS')
  assert.equal(seen.length, 2)
})

for (const status of [403, 407]) {
  test(`a proxy that answers ${status} is told as such, for http and https`, async (t) => {
    const between = await proxy(t, status)
    for (const address of ['https://vault.example', ...(status === 407 ? ['http://vault.example'] : [])]) {
      const error = await failing(send(transportTo(t, { address, proxy: between.url, maxRetries: 0 })), 'UNREACHABLE')
      assert.match(error.message, new RegExp(`the proxy 127\\.0\\.0\\.1:\\d+ answered ${status}`))
      assert.equal(error.mayHaveHappened, false)
    }
  })
}

test('a proxy that is not there is told as such', async (t) => {
  for (const address of ['http://vault.example', 'https://vault.example']) {
    const error = await failing(
      send(transportTo(t, { address, proxy: 'http://127.0.0.1:1', maxRetries: 1 })),
      'UNREACHABLE',
    )
    assert.match(error.message, /by the proxy 127\.0\.0\.1:1/)
    assert.equal(error.mayHaveHappened, false)
  }
})

test('the index of a write goes along with later requests, the newest of each cluster', async (t) => {
  const index = (local: number, cluster = 'c1'): string =>
    Buffer.from(`v1:${cluster}:${local}:0:mac`).toString('base64')
  const told = [index(5), index(9), index(7), `${index(3, 'c2')}\u0001`, undefined]
  const server = await peer(t, (response, _request, count) => {
    const value = told[count - 1]
    // A bad index cannot be sent by Node itself: the header is left out.
    json(response, 200, KV, value === undefined || /[\u0000-\u001f]/.test(value) ? {} : { 'x-vault-index': value })
  })
  const transport = transportTo(t, { address: server.url })
  await send(transport, { operation: 'read' })
  await send(transport, { operation: 'write' })
  await send(transport, { operation: 'delete' })
  await send(transport)
  assert.deepEqual(
    server.seen.map(({ headers }) => headers['x-vault-index']),
    [undefined, undefined, index(9), index(9)],
  )
  assert.equal(server.seen[0]?.headers['x-vault-inconsistent'], undefined)
  assert.equal(server.seen[2]?.headers['x-vault-inconsistent'], 'forward-active-node')
})

test('read-after-write can be told not to forward, or switched off', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV, { 'x-vault-index': 'opaque' }))
  const expected = { repeat: ['opaque', undefined], off: [undefined, undefined] } as const
  for (const readAfterWrite of ['repeat', 'off'] as const) {
    const transport = transportTo(t, { address: server.url, readAfterWrite })
    await send(transport, { operation: 'write' })
    await send(transport)
    const { headers } = server.seen.at(-1) ?? assert.fail()
    assert.deepEqual([headers['x-vault-index'], headers['x-vault-inconsistent']], expected[readAfterWrite])
  }
})

const SCRIPT = `
import { createHttpTransport } from ${JSON.stringify(new URL('../../lib/http/transport.ts', import.meta.url).href)}
import { realClock, noChance, requestOf } from ${JSON.stringify(new URL('./support.ts', import.meta.url).href)}
import { resolveServer } from ${JSON.stringify(new URL('../../lib/options/server.ts', import.meta.url).href)}
const config = resolveServer({ address: process.argv[1], retryWaitMs: 50 }, {})
const transport = createHttpTransport(config, { clock: realClock, random: noChance })
const said = await transport.send(requestOf(), { timeoutMs: 30000 }).then((a) => a.status, (e) => e.code)
console.log(said)
`

/** Output and exit code of a process that sends one request and never closes its transport. */
function runAlone(address: string): Promise<{ output: string; code: number | null; tookMs: number }> {
  const startMs = performance.now()
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', SCRIPT, address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ output: output.trim(), code, tookMs: performance.now() - startMs }))
  })
}

test('an open transport keeps no process alive', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  const { output, code, tookMs } = await runAlone(server.url)
  assert.deepEqual([output, code], ['200', 0])
  assert.ok(tookMs < 20_000)
})

test('a process does not end while a call waits for its next try', async () => {
  const { output, code } = await runAlone('http://127.0.0.1:1')
  assert.deepEqual([output, code], ['ERR_PORTCULLIS_SERVER_UNREACHABLE', 0])
})
