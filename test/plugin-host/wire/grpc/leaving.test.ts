import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  createServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { HealthService } from '../../../../lib/plugin-host/wire/gen/services.ts'
import { type Channel, type ChannelOptions, openChannel } from '../../../../lib/plugin-host/wire/grpc/channel.ts'
import { encodeFrame } from '../../../../lib/plugin-host/wire/grpc/frames.ts'
import { ends, scratch, until } from './peers.ts'

const asked = { service: 'plugin' }
const SERVING = { status: 1 } as const
const CALL = { timeoutMs: 10_000 } as const

interface Peer {
  readonly channel: Channel
  readonly server: Http2Server
  /** In the order they came. */
  readonly sessions: readonly ServerHttp2Session[]
  /** Calls that came, and are not answered yet. */
  readonly waiting: Call[]
  /** How many calls came. */
  came(): number
}

interface Call {
  readonly session: Http2Session | undefined
  readonly stream: ServerHttp2Stream
  answer(): void
}

/** A bare HTTP/2 server, as no library of gRPC stands behind it, and a channel to it. `held` calls wait to be answered. */
async function peer(t: TestContext, isHeld: (nth: number) => boolean, options: ChannelOptions = {}): Promise<Peer> {
  const server = createServer()
  const sessions: ServerHttp2Session[] = []
  const waiting: Call[] = []
  let calls = 0
  server.on('session', (session) => void sessions.push(session))
  server.on('sessionError', () => {})
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    stream.once('data', () => {
      calls += 1
      const call = { stream, session: stream.session, answer: () => answerTo(stream) }
      if (isHeld(calls)) waiting.push(call)
      else call.answer()
    })
  })
  const path = join(scratch(t), 's')
  server.listen(path)
  await once(server, 'listening')
  const channel = await openChannel({ path }, { reconnects: true, ...options })
  t.after(async () => {
    await channel.close()
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { channel, server, sessions, waiting, came: () => calls }
}

function answerTo(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(encodeFrame(HealthService.check.reply, SERVING, 100))
}

test('where a peer asks to leave, calls under way end on its connection and new ones go over another', async (t) => {
  const { channel, sessions, waiting } = await peer(t, (nth) => nth === 1)
  const under = channel.unary(HealthService.check, asked, CALL)
  await until(() => waiting.length === 1, 'the first call')
  sessions[0]?.goaway(0)
  await until(() => sessions.length === 2, 'another connection')
  for (let calls = 0; calls < 20; calls += 1)
    assert.deepEqual(await channel.unary(HealthService.check, asked, CALL), SERVING)
  waiting[0]?.answer()
  assert.deepEqual(await under, SERVING)
  assert.equal(waiting[0]?.session, sessions[0])
  assert.equal(sessions.length, 2)
})

test('an idle connection that is asked to leave is followed by another before anybody calls', async (t) => {
  const { channel, sessions } = await peer(t, () => false)
  await channel.unary(HealthService.check, asked, CALL)
  sessions[0]?.goaway(0)
  sessions[0]?.close()
  await until(() => sessions.length === 2, 'another connection')
  assert.deepEqual(await channel.unary(HealthService.check, asked, CALL), SERVING)
})

test('calls that a leaving peer has not looked at are sent again, the others are not', async (t) => {
  const { channel, sessions, waiting, came } = await peer(t, (nth) => nth <= 3)
  const under = Array.from({ length: 3 }, () => channel.unary(HealthService.check, asked, CALL))
  await until(() => waiting.length === 3, 'three calls')
  // Calls have the numbers 1, 3 and 5: it will answer the first alone.
  sessions[0]?.goaway(0, 1)
  await until(() => sessions.length === 2, 'another connection')
  waiting[0]?.answer()
  assert.deepEqual(await Promise.all(under), [SERVING, SERVING, SERVING])
  assert.equal(came(), 5)
})

test('calls that wait for room when the peer asks to leave go over the next connection', async (t) => {
  const { channel, server, sessions, waiting } = await peer(t, (nth) => nth === 1)
  server.updateSettings({ maxConcurrentStreams: 1 })
  sessions[0]?.settings({ maxConcurrentStreams: 1 })
  const under = channel.unary(HealthService.check, asked, CALL)
  await until(() => waiting.length === 1, 'the first call')
  const more = Array.from({ length: 5 }, () => channel.unary(HealthService.check, asked, CALL))
  sessions[0]?.goaway(0, 1)
  assert.equal((await Promise.all(more)).length, 5)
  waiting[0]?.answer()
  assert.deepEqual(await under, SERVING)
})

test('a peer that asks to leave and listens no more ends the channel, and no call waits for it', async (t) => {
  const { channel, server, sessions } = await peer(t, () => false)
  await channel.unary(HealthService.check, asked, CALL)
  server.close()
  sessions[0]?.goaway(0)
  await channel.closed
  await ends(channel.unary(HealthService.check, asked, CALL), 14)
})

test('a peer that asks each connection to leave at once is not run after', async (t) => {
  const { channel, server, sessions } = await peer(t, () => false)
  server.on('session', (session) => session.goaway(0))
  sessions[0]?.goaway(0)
  await channel.closed
  assert.ok(sessions.length <= 10, `${sessions.length} connections`)
})

test('an error with the leave ends everything at once, as before', async (t) => {
  const { channel, sessions, waiting } = await peer(t, () => true)
  const under = channel.unary(HealthService.check, asked, CALL)
  await until(() => waiting.length === 1, 'the call')
  sessions[0]?.goaway(2)
  await ends(under, 14)
  await channel.closed
})
