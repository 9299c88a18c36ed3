import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createCertificate } from '../../../../lib/plugin-host/wire/certificate.ts'
import { HealthService, StorageService } from '../../../../lib/plugin-host/wire/gen/services.ts'
import { type Channel, openChannel } from '../../../../lib/plugin-host/wire/grpc/channel.ts'
import { encodeFrame } from '../../../../lib/plugin-host/wire/grpc/frames.ts'
import { createGrpcServer, type GrpcServer } from '../../../../lib/plugin-host/wire/grpc/server.ts'
import { frameBytes } from '../http2/frame-bytes.ts'
import { ends, pair, scratch, until } from './peers.ts'

const SERVING = { status: 1 } as const
const asked = { service: 'plugin' }
const OK_HEADERS = { ':status': 200, 'content-type': 'application/grpc' }

function health(server: GrpcServer): void {
  server.add(HealthService, { check: () => SERVING })
}

test('calls go over TCP on a port that the system hands out', async (t) => {
  const server = createGrpcServer()
  health(server)
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => server.close(0))
  assert.ok('port' in address && address.port > 0)
  const channel = await openChannel(address)
  t.after(() => channel.close())
  assert.deepEqual(await channel.unary(HealthService.check, asked), SERVING)
})

test('both ends show the certificate that the other trusts, over Unix sockets and TCP', async (t) => {
  const [host, plugin, stranger] = await Promise.all([createCertificate(), createCertificate(), createCertificate()])
  const listening = [{ path: join(scratch(t), 's') }, { host: '127.0.0.1', port: 0 }]
  for (const where of listening) {
    const server = createGrpcServer({ tls: { ca: host.certPem, cert: plugin.certPem, key: plugin.keyPem } })
    health(server)
    const address = await server.listen(where)
    t.after(() => server.close(0))
    const dial = (trusted: string, own: typeof host): Promise<Channel> =>
      openChannel(address, { tls: { ca: trusted, cert: own.certPem, key: own.keyPem } })
    const call = async (channel: Promise<Channel>): Promise<unknown> => {
      const open = await channel
      t.after(() => open.close())
      return open.unary(HealthService.check, asked)
    }
    assert.deepEqual(await call(dial(plugin.certPem, host)), SERVING)
    // The server is not who it should be; the client is not; the client shows nothing.
    await ends(call(dial(stranger.certPem, host)), 14)
    await ends(call(dial(plugin.certPem, stranger)), 14)
    await ends(call(openChannel(address)), 14)
    assert.deepEqual(await call(dial(plugin.certPem, host)), SERVING)
  }
})

test('where nobody listens, or nobody answers, there is no channel', async (t) => {
  await ends(openChannel({ path: join(scratch(t), 'none') }), 14)
  const { certPem: ca, keyPem: key } = await createCertificate()
  const silent = createServer(() => {})
  const path = join(scratch(t), 'silent')
  silent.listen(path)
  await once(silent, 'listening')
  t.after(() => silent.close())
  await ends(openChannel({ path }, { tls: { ca, cert: ca, key }, connectTimeoutMs: 50 }), 14)
})

test('a server closes though a caller never finishes its TLS handshake', async (t) => {
  const { certPem: ca, keyPem: key } = await createCertificate()
  const server = createGrpcServer({ tls: { ca, cert: ca, key } })
  const path = join(scratch(t), 's')
  await server.listen({ path })
  const socket = connect(path)
  await once(socket, 'connect')
  t.after(() => socket.destroy())
  await server.close(20)
})

test('what ends before its half-close came is not lost', async (t) => {
  // As Go may do it: answer, status and a reset without error, here before even the message has come.
  const raw = createServer((socket) => {
    let seen = Buffer.alloc(0)
    let at = PREFACE.length - 9
    socket.on('error', () => {})
    socket.write(frameBytes(SETTINGS, 0, 0, Buffer.alloc(0)))
    socket.on('data', (chunk) => {
      seen = Buffer.concat([seen, chunk])
      for (; seen.length >= at + 9 && seen.length >= at + 9 + seen.readUIntBE(at, 3); at += 9 + seen.readUIntBE(at, 3))
        if (seen[at + 3] === HEADERS) socket.write(answerTo(seen.readUInt32BE(at + 5)))
    })
  })
  const path = join(scratch(t), 's')
  raw.listen(path)
  await once(raw, 'listening')
  t.after(() => raw.close())
  const channel = await openChannel({ path })
  t.after(() => channel.close())
  for (let round = 0; round < 20; round += 1) {
    const calls = Array.from({ length: 50 }, () => channel.unary(HealthService.check, asked, { timeoutMs: 10_000 }))
    for (const answer of await Promise.all(calls)) assert.deepEqual(answer, SERVING)
  }
})

test('answers that are none end the call with a status', async (t) => {
  const frame = encodeFrame(HealthService.check.reply, SERVING, 100)
  const trailers = (stream: ServerHttp2Stream, body: Uint8Array, status = '0'): void => {
    stream.respond(OK_HEADERS, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
    stream.end(body)
  }
  const cases: readonly (readonly [code: number, answer: (stream: ServerHttp2Stream) => void])[] = [
    [13, (stream) => trailers(stream, Buffer.alloc(0))],
    [13, (stream) => trailers(stream, Buffer.concat([frame, frame]))],
    [13, (stream) => trailers(stream, frame.subarray(0, 6))],
    [13, (stream) => trailers(stream, Buffer.concat([frame, Buffer.from([0, 0])]))],
    [13, (stream) => trailers(stream, Buffer.from([0, 0, 0, 0, 2, 0x0a, 0xff]))],
    [12, (stream) => trailers(stream, Buffer.from([1, 0, 0, 0, 1, 0]))],
    [8, (stream) => trailers(stream, Buffer.from([0, 0x06, 0x40, 0, 0, 1, 2, 3]))],
    [2, (stream) => trailers(stream, frame, 'x')],
    [7, (stream) => trailers(stream, Buffer.alloc(0), '7')],
    [
      13,
      (stream) => {
        stream.respond(OK_HEADERS)
        stream.end(frame)
      },
    ],
    [
      2,
      (stream) => {
        stream.respond({ ':status': 502, 'content-type': 'text/html' })
        stream.end('no')
      },
    ],
    [
      2,
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' })
        stream.end('no')
      },
    ],
    [14, (stream) => stream.close(7)],
    [1, (stream) => stream.close(8)],
    [8, (stream) => stream.close(11)],
    [13, (stream) => stream.close(2)],
    [14, (stream) => stream.session?.destroy()],
    [4, () => {}],
  ]
  for (const [code, answer] of cases) {
    const channel = await scripted(t, answer)
    await ends(channel.unary(HealthService.check, asked, { timeoutMs: code === 4 ? 40 : 10_000 }), code)
  }
})

test('a peer that goes away takes no more calls, and those under way still end', async (t) => {
  let finish: (() => void) | undefined
  const channel = await scripted(t, (stream) => {
    stream.session?.goaway(0)
    finish = () => {
      stream.respond({ ...OK_HEADERS, 'grpc-status': '5' }, { endStream: true })
    }
  })
  const under = channel.unary(HealthService.check, asked)
  await until(() => finish !== undefined, 'the call')
  await until(() => isRefused(channel), 'the end of new calls')
  finish?.()
  await ends(under, 5)
  await channel.closed
})

test('pings without end close the connection that sends them, and no other', async (t) => {
  const { channel, address } = await pair(t, health)
  assert.ok('path' in address)
  const flood = connect(address.path)
  t.after(() => flood.destroy())
  flood.on('error', () => {})
  const ping = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
  flood.write(Buffer.concat([PREFACE, ...Array.from({ length: 2_000 }, () => ping)]))
  const more = Buffer.concat(Array.from({ length: 1_000 }, () => ping))
  const timer = setInterval(() => flood.write(more), 2)
  t.after(() => clearInterval(timer))
  flood.resume()
  const closed = new Promise((resolve) => flood.once('close', resolve))
  for (let calls = 0; calls < 50; calls += 1) assert.deepEqual(await channel.unary(HealthService.check, asked), SERVING)
  await closed
  assert.deepEqual(await channel.unary(HealthService.check, asked), SERVING)
})

test('a server outlives junk of every kind', async (t) => {
  const { channel, address } = await pair(t, health, { server: { limits: { maxConnections: 200 } } })
  assert.ok('path' in address)
  let seed = 7
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed
  }
  const sockets: Socket[] = []
  for (let round = 0; round < 60; round += 1) {
    const frames = Array.from({ length: 20 }, () => {
      const length = random() % 40
      return Buffer.from([0, 0, length, random() % 12, random() % 256, 0, 0, 0, random() % 6, ...Array(length).keys()])
    })
    const socket = connect(address.path)
    socket.on('error', () => {})
    socket.resume()
    socket.end(Buffer.concat([...(round % 3 === 0 ? [] : [PREFACE]), ...frames]))
    sockets.push(socket)
  }
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  assert.deepEqual(await channel.unary(HealthService.check, asked), SERVING)
})

test('requests that are no gRPC get a status, and half a message none of a handler', async (t) => {
  const { address } = await pair(t, health)
  assert.ok('path' in address)
  const { path } = address
  const session = connectHttp2('http://localhost', { createConnection: () => connect(path) })
  t.after(() => session.destroy())
  const check = { ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc' }
  const statusOf = async (headers: object, body: Uint8Array): Promise<unknown> => {
    const stream = session.request({ ...check, ...headers }, { endStream: false })
    stream.end(body)
    const [answer] = await once(stream, 'response')
    stream.resume()
    return answer['grpc-status']
  }
  const frame = encodeFrame(HealthService.check.request, asked, 100)
  assert.equal(await statusOf({ ':method': 'GET' }, Buffer.alloc(0)), '12')
  assert.equal(await statusOf({ 'content-type': 'text/plain' }, frame), '12')
  assert.equal(await statusOf({ ':path': '/constructor' }, frame), '12')
  assert.equal(await statusOf({ 'grpc-timeout': 'soon' }, frame), '13')
  assert.equal(await statusOf({}, frame.subarray(0, 8)), '13')
  assert.equal(await statusOf({}, Buffer.alloc(0)), '13')
  assert.equal(await statusOf({}, Buffer.concat([frame, frame])), '13')
  assert.equal(await statusOf({}, frame), undefined)
})

test('who never reads its answers is refused more, and fills no memory', async (t) => {
  const MIB = 1024 * 1024
  let asks = 0
  const { address } = await pair(
    t,
    (server) =>
      server.add(StorageService, {
        get: ({ key }) => {
          asks += 1
          return { entry: { key, value: Buffer.alloc(MIB), sealWrap: false }, err: '' }
        },
      }),
    { server: { limits: { maxHeldBytes: 8 * MIB } } },
  )
  assert.ok('path' in address)
  const { path } = address
  const session = connectHttp2('http://localhost', { createConnection: () => connect(path) })
  t.after(() => session.destroy())
  const frame = encodeFrame(StorageService.get.request, { key: 'k', txn: '' }, 100)
  const statuses: unknown[] = []
  for (let call = 0; call < 20; call += 1) {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/pb.Storage/Get',
      'content-type': 'application/grpc',
    })
    stream.on('error', () => {})
    stream.on('response', (headers) => statuses.push(headers['grpc-status']))
    stream.end(frame)
  }
  await until(() => statuses.length === 20, 'an answer to each')
  assert.equal(asks, 20)
  assert.equal(statuses.filter((status) => status === '8').length, 13)
})

const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
])

const DATA = 0
const HEADERS = 1
const RESET = 3
const SETTINGS = 4

/** Headers, message, trailers and a reset, in one piece. */
function answerTo(stream: number): Buffer {
  const field = (name: string, value: string): Buffer =>
    Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)])
  // `:status: 200` is entry 8 of HPACK's static table; flags: 4 end of headers, 1 end of stream.
  const headers = Buffer.concat([Buffer.from([0x88]), field('content-type', 'application/grpc')])
  return Buffer.concat([
    frameBytes(HEADERS, 4, stream, headers),
    frameBytes(DATA, 0, stream, encodeFrame(HealthService.check.reply, SERVING, 100)),
    frameBytes(HEADERS, 5, stream, field('grpc-status', '0')),
    frameBytes(RESET, 0, stream, Buffer.alloc(4)),
  ])
}

/** A channel to a bare HTTP/2 server that answers as it is told, once the message has come. */
async function scripted(t: TestContext, answer: (stream: ServerHttp2Stream) => void): Promise<Channel> {
  const server = createHttp2Server()
  server.on('sessionError', () => {})
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    stream.once('data', () => answer(stream))
  })
  const path = join(scratch(t), 's')
  server.listen(path)
  await once(server, 'listening')
  t.after(() => server.close())
  const channel = await openChannel({ path })
  t.after(() => channel.close())
  return channel
}

function isRefused(channel: Channel): boolean {
  let isOpen = true
  const call = channel.unary(HealthService.check, asked, { signal: AbortSignal.abort() })
  call.catch(() => {})
  try {
    channel.serverStream(HealthService.watch, asked)
  } catch {
    isOpen = false
  }
  return !isOpen
}
