import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { ask, openWorld, type World } from './sidecar-world.ts'

const skip = await realServersAbsent()

/** A bare connection, and all that it got. */
interface Wire {
  readonly socket: Socket
  text(): string
  readonly closed: Promise<void>
}

function wire(t: TestContext, { address }: World): Promise<Wire> {
  const socket = connect({ port: Number(new URL(address).port), host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => {
    socket.once('end', resolve).once('close', () => resolve())
  })
  return new Promise((resolve) => socket.once('connect', () => resolve({ socket, text: () => text, closed })))
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000 && !isSo(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.ok(isSo())
}

const head = (line: string, ...more: readonly string[]): string =>
  [`${line} HTTP/1.1`, 'Host: 127.0.0.1', 'X-Vault-Request: true', ...more, '', ''].join('\r\n')

test('LIST works on one connection again and again, pipelined, between bodies, and byte by byte', {
  skip,
}, async (t) => {
  const server = await startBao(t)
  await server.root('POST', 'secret/data/a', { data: {} })
  const world = await openWorld(t, server)
  const { socket, text } = await wire(t, world)
  const list = head('LIST /v1/secret/metadata')
  const body = '{"data":{"text":"LIST /v1/sys/mounts HTTP/1.1\\r\\n\\r\\n"}}'
  const post = `${head('POST /v1/secret/data/b', `Content-Length: ${body.length}`)}${body}`
  const chunked = `${head('POST /v1/secret/data/c', 'Transfer-Encoding: chunked')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

  socket.write(list + list + post + list + chunked)
  await until(() => text().split('HTTP/1.1 200').length - 1 === 5)
  for (const byte of list) socket.write(byte)
  await until(() => text().split('HTTP/1.1 200').length - 1 === 6)

  const keys = [...text().matchAll(/"keys":(\[[^\]]*\])/g)].map(([, found = '']) => JSON.parse(found).join())
  assert.deepEqual(keys, ['a', 'a', 'a,b', 'a,b,c'])
  socket.write(head('REPORT /v1/secret/metadata'))
  await until(() => text().includes('HTTP/1.1 405'))
})

test('what does not end is ended: heads that drip, bodies that stop, verbs that never come', { skip }, async (t) => {
  const server = await startBao(t)
  const limits = { headersTimeoutMs: 300, requestTimeoutMs: 600, idleTimeoutMs: 1_500 }
  const world = await openWorld(t, server, { limits })
  const wires = await Promise.all(Array.from({ length: 40 }, () => wire(t, world)))
  for (const [at, { socket }] of wires.entries()) {
    if (at % 4 === 0) socket.write('GET /v1/sys/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A')
    else if (at % 4 === 1) socket.write(head('POST /v1/secret/data/a', 'Content-Length: 1000') + '{"data"')
    else if (at % 4 === 2) socket.write('LIS')
  }
  const drips = setInterval(() => {
    for (const [at, { socket }] of wires.entries()) if (at % 4 === 0) socket.write('x')
  }, 50)
  t.after(() => clearInterval(drips))
  await Promise.all(wires.map(({ closed }) => closed))
  await until(() => world.sidecar.load().connections === 0)
  assert.equal(world.sidecar.load().heldBodyBytes, 0)
  assert.equal((await ask(world.address, 'GET', '/v1/sys/health')).status, 200)
})

test('heads and bodies that are too large are refused, and hold nothing', { skip }, async (t) => {
  const server = await startBao(t)
  const limits = { maxBodyBytes: 100_000, maxHeldBodyBytes: 150_000 }
  const world = await openWorld(t, server, { limits })

  const oversize = await wire(t, world)
  oversize.socket.write(`GET /v1/sys/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ${'x'.repeat(100_000)}\r\n\r\n`)
  await oversize.closed
  assert.match(oversize.text(), /^HTTP\/1\.1 431 /)

  const body = JSON.stringify({ data: { text: 'x'.repeat(120_000) } })
  assert.equal((await ask(world.address, 'POST', '/v1/secret/data/a', { body })).status, 413)

  const slow = await wire(t, world)
  slow.socket.write(`${head('POST /v1/secret/data/a', 'Content-Length: 99000')}${'x'.repeat(98_000)}`)
  await until(() => world.sidecar.load().heldBodyBytes >= 98_000)
  const second = JSON.stringify({ data: { text: 'x'.repeat(90_000) } })
  assert.equal((await ask(world.address, 'POST', '/v1/secret/data/a', { body: second })).status, 503)
  slow.socket.destroy()
  await until(() => world.sidecar.load().heldBodyBytes === 0)
  assert.equal((await ask(world.address, 'POST', '/v1/secret/data/a', { body: second })).status, 200)
})

test('connections that are half closed, or broken off in a body, leave nothing behind', { skip }, async (t) => {
  const server = await startBao(t)
  const world = await openWorld(t, server)
  const wires = await Promise.all(Array.from({ length: 30 }, () => wire(t, world)))
  for (const [at, { socket }] of wires.entries()) {
    if (at % 3 === 0) socket.end()
    else if (at % 3 === 1) socket.end(head('POST /v1/secret/data/a', 'Content-Length: 10'))
    else {
      socket.write(head('GET /v1/sys/mounts'))
      socket.destroy()
    }
  }
  await until(() => world.sidecar.load().connections === 0)
  assert.equal((await ask(world.address, 'GET', '/v1/sys/health')).status, 200)
})

test('a sidecar that closes answers what is under way, and ends connections that wait for nothing', {
  skip,
}, async (t) => {
  const server = await startBao(t)
  const world = await openWorld(t, server, { limits: { drainMs: 5_000 } })
  const idle = await wire(t, world)
  idle.socket.write(head('GET /v1/sys/health'))
  await until(() => idle.text().includes('HTTP/1.1 200'))
  const answers = Array.from({ length: 20 }, (_, at) =>
    ask(world.address, 'POST', `/v1/secret/data/d${at}`, { body: '{"data":{}}' }).then(
      ({ status }) => status,
      () => 0,
    ),
  )
  await until(() => world.sidecar.load().connections >= 2)
  await world.sidecar.close()
  await idle.closed
  const settled = await Promise.all(answers)
  // A connection that came too late was never taken; none was taken and left without an answer.
  assert.deepEqual(
    settled.filter((status) => status !== 200 && status !== 0),
    [],
  )
  assert.ok(settled.includes(200))
  assert.equal(world.sidecar.load().connections, 0)
})
