import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { GRPCBrokerService, HealthService } from '../../../../lib/plugin-host/wire/gen/services.ts'
import { encodeFrame } from '../../../../lib/plugin-host/wire/grpc/frames.ts'
import { headerBlock } from '../../../../lib/plugin-host/wire/http2/hpack-encoder.ts'
import { ends, pair, until } from '../grpc/peers.ts'
import { frameBytes } from './frame-bytes.ts'

const SERVING = { status: 1 } as const
const asked = { service: 'plugin' }
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, push: 5, ping: 6, goAway: 7, window: 8, continuation: 9 }
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const HELLO = Buffer.concat([PREFACE, frameBytes(FRAME.settings, 0, 0)])
const CHECK = headerBlock({
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/grpc.health.v1.Health/Check',
  'content-type': 'application/grpc',
})
const MESSAGE = encodeFrame(HealthService.check.request, asked, 100)

/** A call as bytes. */
function callOf(id: number): Buffer {
  return Buffer.concat([frameBytes(FRAME.headers, 4, id, CHECK), frameBytes(FRAME.data, 1, id, MESSAGE)])
}

/** Calls that are given up as soon as they are made. */
function resets(count: number): Buffer[] {
  return Array.from({ length: count }, (_, at) =>
    Buffer.concat([frameBytes(FRAME.headers, 4, 2 * at + 1, CHECK), frameBytes(FRAME.reset, 0, 2 * at + 1, word(8))]),
  )
}

/** An iterator that never gives anything. */
function never(): AsyncIterator<never> {
  return { next: () => new Promise(() => {}) }
}

interface Raw {
  readonly socket: Socket
  /** Frames that came. */
  readonly frames: () => readonly { readonly type: number; readonly stream: number; readonly payload: Buffer }[]
  readonly closed: Promise<unknown>
}

/** A bare socket to a server that answers health checks, and a channel to the same one. */
async function raw(t: TestContext, limits = {}): Promise<Raw & { readonly works: () => Promise<void> }> {
  const { channel, address } = await pair(t, (server) => server.add(HealthService, { check: () => SERVING }), {
    server: { limits },
  })
  assert.ok('path' in address)
  const socket = connect(address.path)
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const frames = (): ReturnType<Raw['frames']> => {
    const bytes = Buffer.concat(chunks)
    const found = []
    for (let at = 0; at + 9 <= bytes.length && at + 9 + bytes.readUIntBE(at, 3) <= bytes.length; ) {
      const end = at + 9 + bytes.readUIntBE(at, 3)
      const stream = bytes.readUInt32BE(at + 5)
      found.push({ type: bytes[at + 3] ?? 0, stream, payload: bytes.subarray(at + 9, end) })
      at = end
    }
    return found
  }
  const works = async (): Promise<void> => assert.deepEqual(await channel.unary(HealthService.check, asked), SERVING)
  return { socket, frames, closed, works }
}

test('a call is answered, however its bytes are cut', async (t) => {
  const { socket, frames } = await raw(t)
  for (const byte of Buffer.concat([HELLO, callOf(1), callOf(3)])) socket.write(Buffer.from([byte]))
  await until(() => frames().filter(({ type }) => type === FRAME.headers).length === 4, 'two answers')
  const data = frames().filter(({ type }) => type === FRAME.data)
  assert.deepEqual(
    data.map(({ payload }) => payload.toString('hex')),
    ['00000000020801', '00000000020801'],
  )
})

test('padding, priorities, unknown frames and headers in pieces are read over', async (t) => {
  const { socket, frames } = await raw(t)
  const padded = Buffer.concat([Buffer.from([3]), Buffer.alloc(5), CHECK.subarray(0, 10), Buffer.alloc(3)])
  const parts = [
    HELLO,
    frameBytes(2, 0, 9, Buffer.alloc(5)),
    frameBytes(77, 3, 0, Buffer.alloc(20)),
    frameBytes(FRAME.headers, 0x28, 1, padded),
    frameBytes(FRAME.continuation, 0, 1, CHECK.subarray(10, 20)),
    frameBytes(FRAME.continuation, 4, 1, CHECK.subarray(20)),
    frameBytes(FRAME.data, 8, 1, Buffer.concat([Buffer.from([2]), MESSAGE.subarray(0, 4), Buffer.alloc(2)])),
    frameBytes(FRAME.data, 1, 1, MESSAGE.subarray(4)),
  ]
  socket.write(Buffer.concat(parts))
  await until(() => frames().some(({ type }) => type === FRAME.data), 'the answer')
})

test('who breaks the rules loses the connection with a reason, and nobody else notices', async (t) => {
  const cases: Readonly<Record<string, readonly [code: number, bytes: Buffer]>> = {
    'no settings first': [1, Buffer.concat([PREFACE, frameBytes(FRAME.ping, 0, 0, Buffer.alloc(8))])],
    'another protocol': [1, Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    'a frame that is too long': [6, Buffer.concat([HELLO, Buffer.from([0, 0x40, 1, 0, 0, 0, 0, 0, 1])])],
    'data of a stream that there is not': [1, Buffer.concat([HELLO, frameBytes(FRAME.data, 0, 5, MESSAGE)])],
    'data of no stream': [1, Buffer.concat([HELLO, frameBytes(FRAME.data, 0, 0, MESSAGE)])],
    'a number that is the server’s': [1, Buffer.concat([HELLO, frameBytes(FRAME.headers, 4, 2, CHECK)])],
    'a push': [1, Buffer.concat([HELLO, callOf(1), frameBytes(FRAME.push, 4, 1, CHECK)])],
    'headers that are torn': [
      1,
      Buffer.concat([HELLO, frameBytes(FRAME.headers, 0, 1, CHECK), frameBytes(FRAME.ping, 0, 0)]),
    ],
    'headers that go on elsewhere': [
      1,
      Buffer.concat([HELLO, frameBytes(FRAME.headers, 0, 1, CHECK), frameBytes(FRAME.continuation, 4, 3)]),
    ],
    'headers without an end': [
      11,
      Buffer.concat([
        HELLO,
        frameBytes(FRAME.headers, 0, 1),
        ...Array.from({ length: 40 }, () => frameBytes(FRAME.continuation, 0, 1)),
      ]),
    ],
    'headers that are no HPACK': [9, Buffer.concat([HELLO, frameBytes(FRAME.headers, 4, 1, Buffer.from([0x80]))])],
    'padding longer than its frame': [
      1,
      Buffer.concat([HELLO, frameBytes(FRAME.headers, 12, 1, Buffer.from([9, 1, 2]))]),
    ],
    'settings that are not whole': [6, Buffer.concat([HELLO, frameBytes(FRAME.settings, 0, 0, Buffer.alloc(5))])],
    'a window of streams that is too large': [
      3,
      Buffer.concat([HELLO, frameBytes(FRAME.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), word(2 ** 31)]))]),
    ],
    'a window that is too large': [
      3,
      Buffer.concat([
        HELLO,
        frameBytes(FRAME.window, 0, 0, word(2 ** 31 - 1)),
        frameBytes(FRAME.window, 0, 0, word(2 ** 31 - 1)),
      ]),
    ],
    'a window that grows by nothing': [1, Buffer.concat([HELLO, frameBytes(FRAME.window, 0, 0, word(0))])],
    'a reset that is not whole': [6, Buffer.concat([HELLO, callOf(1), frameBytes(FRAME.reset, 0, 1, Buffer.alloc(3))])],
    'resets without end': [11, Buffer.concat([HELLO, ...resets(10_001)])],
    'empty data without end': [
      11,
      Buffer.concat([
        HELLO,
        frameBytes(FRAME.headers, 4, 1, CHECK),
        ...Array.from({ length: 10_001 }, () => frameBytes(0, 0, 1)),
      ]),
    ],
  }
  for (const [what, [code, bytes]] of Object.entries(cases)) {
    const { socket, frames, closed, works } = await raw(t)
    socket.write(bytes)
    await closed
    const goodbye = frames().find(({ type }) => type === FRAME.goAway)
    assert.equal(goodbye?.payload.readUInt32BE(4), code, what)
    await works()
  }
})

test('data beyond the room that was given ends the connection', async (t) => {
  // The handler reads nothing, so that no room is given again.
  const { address } = await pair(t, (server) =>
    server.add(GRPCBrokerService, { startStream: () => ({ [Symbol.asyncIterator]: never }) }),
  )
  assert.ok('path' in address)
  const socket = connect(address.path)
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const head = headerBlock({
    ':method': 'POST',
    ':path': GRPCBrokerService.startStream.path,
    'content-type': 'application/grpc',
  })
  const info = { serviceId: 1, network: 'unix', address: 'x'.repeat(1_000), knock: undefined }
  const message = frameBytes(FRAME.data, 0, 1, encodeFrame(GRPCBrokerService.startStream.request, info, 10_000))
  socket.write(
    Buffer.concat([HELLO, frameBytes(FRAME.headers, 4, 1, head), ...Array.from({ length: 300 }, () => message)]),
  )
  await closed
  const goodbye = Buffer.concat(chunks).subarray(-17)
  assert.deepEqual([goodbye[3], goodbye.readUInt32BE(13)], [FRAME.goAway, 3])
})

test('who asks and asks, and reads nothing, is let go before it fills the memory', async (t) => {
  const { address } = await pair(t, (server) => server.add(HealthService, { check: () => SERVING }))
  assert.ok('path' in address)
  const socket = connect(address.path)
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(HELLO)
  const before = process.memoryUsage().arrayBuffers
  let id = 1
  const more = (): void => {
    const calls: Buffer[] = []
    for (let at = 0; at < 2_000; at += 1, id += 2) calls.push(frameBytes(FRAME.headers, 5, id, CHECK))
    if (!socket.destroyed) socket.write(Buffer.concat(calls), () => setImmediate(more))
  }
  more()
  await closed
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024)
})

test('calls beyond what a server takes at once wait at the client, and all are answered', async (t) => {
  let running = 0
  let most = 0
  const { channel } = await pair(
    t,
    (server) =>
      server.add(HealthService, {
        check: async () => {
          running += 1
          most = Math.max(most, running)
          await new Promise((resolve) => setTimeout(resolve, 1))
          running -= 1
          return SERVING
        },
      }),
    { server: { limits: { maxConcurrentCalls: 4 } } },
  )
  await channel.unary(HealthService.check, asked)
  const calls = Array.from({ length: 60 }, () => channel.unary(HealthService.check, asked))
  for (const answer of await Promise.all(calls)) assert.deepEqual(answer, SERVING)
  assert.equal(most, 4)
})

test('before the numbers of calls run out another connection takes the place, and no call fails', async (t) => {
  const { channel } = await pair(
    t,
    (server) =>
      server.add(HealthService, {
        check: () => SERVING,
        watch: async function* (_, { signal }) {
          yield SERVING
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
        },
      }),
    { channel: { maxStreamId: 99 } },
  )
  const lasting = channel.serverStream(HealthService.watch, asked)[Symbol.asyncIterator]()
  assert.deepEqual((await lasting.next()).value, SERVING)
  for (let round = 0; round < 40; round += 1) {
    const calls = Array.from({ length: 32 }, () => channel.unary(HealthService.check, asked))
    for (const answer of await Promise.all(calls)) assert.deepEqual(answer, SERVING)
  }
  // What lasts goes on where it began, and ends with the channel.
  const ended = assert.rejects(lasting.next(), { code: 14 })
  await channel.close()
  await ended
  await ends(channel.unary(HealthService.check, asked), 14)
})

test('where no other connection can be had calls fail once there are no numbers left', async (t) => {
  const { channel } = await pair(t, (server) => server.add(HealthService, { check: () => SERVING }), {
    server: { limits: { maxConnections: 1 } },
    channel: { maxStreamId: 19, connectTimeoutMs: 50 },
  })
  let answered = 0
  const ask = async (): Promise<void> => {
    for (;;) {
      await channel.unary(HealthService.check, asked)
      answered += 1
    }
  }
  await ends(ask(), 14)
  assert.equal(answered, 10)
})
