import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnInfo } from '../../../../lib/plugin-host/wire/gen/plugin.ts'
import { GRPCBrokerService, HealthService, StorageService } from '../../../../lib/plugin-host/wire/gen/services.ts'
import { GrpcStatusError } from '../../../../lib/plugin-host/wire/grpc/status.ts'
import { ends, pair, until } from './peers.ts'

const MIB = 1024 * 1024
const SERVING = { status: 1 } as const
const asked = { service: 'plugin' }

function connInfo(serviceId: number): ConnInfo {
  return { serviceId, network: 'unix', address: '/s', knock: undefined }
}

test('a unary call brings message and metadata there, and the answer back', async (t) => {
  const seen: unknown[] = []
  const { channel } = await pair(t, (server) =>
    server.add(HealthService, {
      check: (message, call) => {
        seen.push(message, call.metadata('multiplex_id'), call.metadata('absent'))
        return SERVING
      },
    }),
  )
  const reply = await channel.unary(HealthService.check, asked, { metadata: { multiplex_id: 'a1' }, timeoutMs: 5_000 })
  assert.deepEqual(reply, SERVING)
  assert.deepEqual(seen, [asked, 'a1', undefined])
})

test('what nobody serves is UNIMPLEMENTED, with or without its service', async (t) => {
  const { channel } = await pair(t, (server) => server.add(HealthService, { check: () => SERVING }))
  await ends(channel.unary(StorageService.list, { prefix: '', txn: '' }), 12)
  await assert.rejects(
    async () => {
      for await (const _ of channel.serverStream(HealthService.watch, asked)) assert.fail('it is not served')
    },
    { code: 12 },
  )
})

test('a status of the handler arrives with its words, any other error without', async (t) => {
  const words = 'Grüße, 100 %\n\u{1f511}'
  const { channel } = await pair(t, (server) =>
    server.add(StorageService, {
      get: () => {
        throw new GrpcStatusError(5, words)
      },
      put: async () => {
        throw new Error('s3cret')
      },
      list: () => undefined as never,
    }),
  )
  await assert.rejects(channel.unary(StorageService.get, { key: 'a', txn: '' }), { code: 5, message: words })
  await ends(channel.unary(StorageService.put, { entry: undefined, txn: '' }), 13, /^the call failed$/)
  await ends(channel.unary(StorageService.list, { prefix: '', txn: '' }), 13, /^the call failed$/)
})

test('a server stream arrives in order and ends; leaving it early ends the handler', async (t) => {
  let isLeft = false
  let sent = 0
  const { channel } = await pair(t, (server) =>
    server.add(HealthService, {
      watch: async function* ({ service }, call) {
        call.signal.addEventListener('abort', () => {
          isLeft = true
        })
        for (sent = 0; service === 'endless' || sent < 1_000; sent += 1) yield { status: (sent % 3) as 0 | 1 | 2 }
      },
    }),
  )
  const statuses: number[] = []
  for await (const { status } of channel.serverStream(HealthService.watch, asked)) statuses.push(status)
  assert.deepEqual(
    statuses,
    Array.from({ length: 1_000 }, (_, at) => at % 3),
  )

  isLeft = false
  let taken = 0
  for await (const _ of channel.serverStream(HealthService.watch, { service: 'endless' })) if (++taken === 3) break
  await until(() => isLeft, 'the end of the handler')
})

test('a reader who waits stops the sender', async (t) => {
  let sent = 0
  const { channel } = await pair(t, (server) =>
    server.add(GRPCBrokerService, {
      startStream: async function* () {
        for (;;) {
          sent += 1
          yield { ...connInfo(sent), address: 'x'.repeat(10_000) }
        }
      },
    }),
  )
  const call = channel.duplex(GRPCBrokerService.startStream)
  const reader = call.messages[Symbol.asyncIterator]()
  await reader.next()
  let before = -1
  await until(() => {
    const isStill = before === sent
    before = sent
    return isStill
  }, 'rest')
  // Windows of flow control and buffers of streams, not all that an endless sender has.
  assert.ok(sent * 10_000 < 8 * MIB, `${sent} were sent`)
  call.cancel()
  await assert.rejects(
    async () => {
      for (;;) if ((await reader.next()).done === true) return
    },
    { code: 1 },
  )
})

test('a duplex call goes both ways, and ends when both have ended', async (t) => {
  const { channel } = await pair(t, (server) =>
    server.add(GRPCBrokerService, {
      startStream: async function* (messages) {
        for await (const message of messages) yield connInfo(message.serviceId * 2)
        yield connInfo(99)
      },
    }),
  )
  const call = channel.duplex(GRPCBrokerService.startStream)
  const got: number[] = []
  for (let id = 1; id <= 3; id += 1) await call.send(connInfo(id))
  call.end()
  for await (const { serviceId } of call.messages) got.push(serviceId)
  assert.deepEqual(got, [2, 4, 6, 99])
  await assert.rejects(call.send(connInfo(1)), { code: 14 })
})

test('a call ends with its deadline at both ends', async (t) => {
  let why: unknown
  const { channel } = await pair(t, (server) =>
    server.add(HealthService, {
      check: (_, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            why = 'aborted'
          })
        }),
    }),
  )
  await ends(channel.unary(HealthService.check, asked, { timeoutMs: 30 }), 4)
  await until(() => why === 'aborted', 'the abort of the handler')
})

test('a call that is cancelled ends at once, and its handler hears of it', async (t) => {
  let state = 'unasked'
  const { channel } = await pair(t, (server) =>
    server.add(HealthService, {
      check: (_, { signal }) =>
        new Promise(() => {
          state = 'asked'
          signal.addEventListener('abort', () => {
            state = 'aborted'
          })
        }),
    }),
  )
  const controller = new AbortController()
  const call = channel.unary(HealthService.check, asked, { signal: controller.signal })
  await until(() => state === 'asked', 'the call')
  controller.abort()
  await ends(call, 1)
  await until(() => state === 'aborted', 'the abort of the handler')
  await ends(channel.unary(HealthService.check, asked, { signal: controller.signal }), 1)
})

test('5 MiB go both ways at once, 16 times', async (t) => {
  const { channel } = await pair(t, (server) =>
    server.add(StorageService, {
      get: ({ key }) => ({ entry: { key, value: Buffer.alloc(5 * MIB, key), sealWrap: false }, err: '' }),
      put: ({ entry }) => ({ err: `${entry?.key} ${entry?.value.length} ${entry?.value.at(-1)}`, walIndex: undefined }),
    }),
  )
  const calls = Array.from({ length: 16 }, async (_, at) => {
    const key = String.fromCharCode(97 + at)
    const value = Buffer.alloc(5 * MIB, key)
    const { err } = await channel.unary(StorageService.put, { entry: { key, value, sealWrap: false }, txn: '' })
    assert.equal(err, `${key} ${5 * MIB} ${97 + at}`)
    const { entry } = await channel.unary(StorageService.get, { key, txn: '' })
    assert.ok(value.equals(entry?.value ?? new Uint8Array()))
  })
  await Promise.all(calls)
})

test('40 MiB pass where both ends allow it, and are refused by whichever does not', async (t) => {
  const value = Buffer.alloc(40 * MIB, 'v')
  const register = (server: Parameters<Parameters<typeof pair>[1]>[0]): void =>
    server.add(StorageService, {
      get: ({ key }) => ({ entry: { key, value, sealWrap: false }, err: '' }),
      put: ({ entry }) => ({ err: String(entry?.value.length), walIndex: undefined }),
    })
  const wide = { limits: { maxReceiveBytes: 64 * MIB, maxSendBytes: 64 * MIB } }
  const put = { entry: { key: 'k', value, sealWrap: false }, txn: '' }
  const open = await pair(t, register, { server: wide, channel: wide })
  assert.equal((await open.channel.unary(StorageService.put, put)).err, String(40 * MIB))
  const got = await open.channel.unary(StorageService.get, { key: 'k', txn: '' })
  assert.ok(value.equals(got.entry?.value ?? new Uint8Array()))

  const narrow = await pair(t, register)
  await ends(narrow.channel.unary(StorageService.put, put), 8, /exceeds/)
  await ends(narrow.channel.unary(StorageService.get, { key: 'k', txn: '' }), 8, /exceeds/)

  const server = await pair(t, register, { channel: wide })
  await ends(server.channel.unary(StorageService.put, put), 8, /exceeds/)
  const channel = await pair(t, register, { server: wide })
  await ends(channel.channel.unary(StorageService.get, { key: 'k', txn: '' }), 8, /exceeds/)
  assert.equal((await channel.channel.unary(StorageService.put, { entry: undefined, txn: '' })).err, 'undefined')
})

test('closing a channel ends its calls; closing a server waits for those under way', async (t) => {
  let answer = undefined as (() => void) | undefined
  const register = (server: Parameters<Parameters<typeof pair>[1]>[0]): void =>
    server.add(HealthService, {
      check: () =>
        new Promise((resolve) => {
          answer = () => resolve(SERVING)
        }),
      watch: async function* (_, { signal }) {
        yield SERVING
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
  const first = await pair(t, register)
  const call = first.channel.unary(HealthService.check, asked)
  await until(() => answer !== undefined, 'the call')
  await Promise.all([first.channel.close(), ends(call, 14)])
  await ends(first.channel.unary(HealthService.check, asked), 14)

  answer = undefined
  const second = await pair(t, register)
  const stream = second.channel.serverStream(HealthService.watch, asked)[Symbol.asyncIterator]()
  await stream.next()
  const last = second.channel.unary(HealthService.check, asked)
  await until(() => answer !== undefined, 'the call')
  const closed = second.server.close(5_000)
  await assert.rejects(stream.next(), { code: 14 })
  const finish = answer as (() => void) | undefined
  finish?.()
  assert.deepEqual(await last, SERVING)
  await Promise.all([closed, second.channel.closed])
  await ends(second.channel.unary(HealthService.check, asked), 14)
})
