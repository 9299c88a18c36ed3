import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend } from '../../../lib/model/backend.ts'
import type { JsonObject } from '../../../lib/model/json.ts'
import { mountOf, rig, servicesOf } from '../process/plugins-for-test.ts'
import { act, assailant, attack } from './assailant.ts'

async function opponents(t: TestContext): Promise<Readonly<Record<'bad' | 'good', Backend>>> {
  const { plugins } = rig(t)
  const open = (name: string): Promise<Backend> =>
    plugins.backend(assailant(t, name), mountOf(`${name}/`), servicesOf())
  const [bad, good] = await Promise.all([open('bad'), open('good')])
  return { bad, good }
}

/** Floods, and whether the host ends the connection for them; `undefined` where that depends on how fast it is. */
const FLOODS: readonly (readonly [kind: string, isEnded: boolean | undefined])[] = [
  ['settings', true],
  ['windows', true],
  ['windows beside calls', true],
  ['pings', true],
  ['resets', true],
  ['header lists', undefined],
  ['header lists without end', true],
  ['empty continuations', true],
  ['garbage', true],
  // Each is a call like any other, only that nobody waits for it.
  ['reset writes', false],
]

for (const [kind, isEnded] of FLOODS) {
  test(`a flood of ${kind} from a plugin's own certificate fills no memory, and others are served`, async (t) => {
    const { bad, good } = await opponents(t)
    const { result, risenMiB, others } = await attack(bad, good, 'flood', { kind, connections: 3, ms: 1000 })
    const floods = result as unknown as readonly JsonObject[]
    t.diagnostic(`${JSON.stringify(floods)}, ${risenMiB} MiB more, others ${JSON.stringify(others)}`)
    for (const { ended } of floods) assert.equal(ended, isEnded ?? ended)
    assert.ok(risenMiB < 300, `${risenMiB} MiB more`)
    assert.ok(Number(others.calls) > 0, `${others.calls} reads of another plugin`)
    // It is still served itself, on the connection that it has.
    assert.equal((await act(bad, 'put', { key: 'k', text: 'v' })).err, '')
  })
}

for (const kind of [
  'settings',
  'windows',
  'pings',
  'interim answers',
  'answers without end',
  'a window beyond all',
  'pushes',
  'streams that there are not',
  'garbage',
]) {
  test(`a plugin that answers its host with ${kind} is hung up on, its call is a coded error, and the next call finds another`, async (t) => {
    const { bad, good } = await opponents(t)
    const before = process.memoryUsage.rss()
    const reading = act(good, 'read on', { key: 'k' })
    await assert.rejects(act(bad, 'flood back', { kind, ms: 20_000 }), { code: 'ERR_PORTCULLIS_PLUGIN_CRASHED' })
    await act(good, 'stop')
    const others = await reading
    assert.ok(Number(others.calls) > 0)
    assert.equal((await act(bad, 'put', { key: 'k', text: 'v' })).err, '')
    assert.ok(process.memoryUsage.rss() - before < 200 * 2 ** 20)
    t.diagnostic(`others ${JSON.stringify(others)}`)
  })
}

test('a plugin that sends messages without end on its own stream fills no memory, and others are served beside it', async (t) => {
  const { bad, good } = await opponents(t)
  // What a loaded host does not read in time fills the plugin's own memory, for which it may be ended.
  const { result, risenMiB, others } = await attack(
    { ...bad, handle: (...asked) => bad.handle(...asked).catch(ended) },
    good,
    'flood back',
    { kind: 'messages without end', ms: 3000 },
  )
  t.diagnostic(`${JSON.stringify(result)}, ${risenMiB} MiB more, others ${JSON.stringify(others)}`)
  assert.ok(risenMiB < 200, `${risenMiB} MiB more`)
  assert.ok(Number(others.calls) > 10, `${others.calls} reads of another plugin`)
})

/** The answer that stands for a plugin that was ended. */
function ended(error: { readonly code?: string }): Awaited<ReturnType<Backend['handle']>> {
  if (error.code !== 'ERR_PORTCULLIS_PLUGIN_CRASHED') throw error
  return { response: { data: JSON.stringify({ ended: error.code }) } } as Awaited<ReturnType<Backend['handle']>>
}

test('connections that are held, with a handshake or without, are few, and end nobody who is served', async (t) => {
  const { bad, good } = await opponents(t)
  const secure = await attack(bad, good, 'hold', { connections: 50, isSecure: true })
  assert.ok(Number(secure.result.held) <= 3, `${secure.result.held} held`)
  const plain = await attack(bad, good, 'hold', { connections: 50, isSecure: false })
  assert.ok(Number(plain.result.held) <= 3, `${plain.result.held} held`)
  assert.ok(Number(secure.others.calls) > 0 && Number(plain.others.calls) > 0)
  assert.equal((await act(bad, 'put', { key: 'k', text: 'v' })).err, '')
})

test('strangers on the socket of a live plugin, half open or talking nonsense, are let go, and it is served on', async (t) => {
  const { good } = await opponents(t)
  const path = String((await act(good, 'socket')).path)
  const before = process.memoryUsage.rss()
  let ended = 0
  const strangers = Array.from({ length: 60 }, (_, at) => {
    const socket = connect({ path })
    socket.on('error', () => {})
    socket.on('close', () => {
      ended += 1
    })
    socket.resume()
    if (at % 3 === 1) socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    // The start of a TLS record that never goes on.
    if (at % 3 === 2) socket.write(Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0]))
    return socket
  })
  t.after(() => {
    for (const socket of strangers) socket.destroy()
  })
  for (let at = 0; at < 20; at += 1) assert.equal((await act(good, 'put', { key: 'k', text: 'v' })).err, '')
  // A handshake may take 5 s.
  for (let waitedMs = 0; ended < strangers.length && waitedMs < 30_000; waitedMs += 100) await sleep(100)
  assert.equal(ended, strangers.length)
  assert.equal((await act(good, 'put', { key: 'k', text: 'v' })).err, '')
  assert.ok(process.memoryUsage.rss() - before < 100 * 2 ** 20)
})
