import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendReply } from '../../../lib/model/backend.ts'
import { type Script, said, secretOf } from '../router/scripted-plugins.ts'
import { type World, world } from '../router/world.ts'

const LEASES = 10_000
const HOUR = 3_600_000
const MOUNTS = { mounts: { tf: { type: 'tf', defaultLeaseTtlMs: HOUR, maxLeaseTtlMs: 2 * HOUR }, kv: { type: 'kv' } } }

/** Keeps book of what lives; `revoke` says what becomes of a revocation. */
function bookkeeper(revoke: (id: number) => BackendReply | Promise<BackendReply>) {
  const alive = new Set<number>()
  let count = 0
  let atOnce = 0
  const script: Script = {
    async handle({ operation, secret }): Promise<BackendReply> {
      if (operation === 'read') {
        count += 1
        alive.add(count)
        return said({ id: count }, { secret: secretOf({ internalData: JSON.stringify({ id: count }) }) })
      }
      const { id } = JSON.parse(secret?.internalData ?? '{}') as { readonly id: number }
      atOnce += 1
      book.mostAtOnce = Math.max(book.mostAtOnce, atOnce)
      const reply = await revoke(id)
      atOnce -= 1
      if (reply.error === undefined) alive.delete(id)
      return reply
    },
  }
  const book = { script, alive, mostAtOnce: 0 }
  return book
}

const kv: Script = { handle: () => said({ value: 1 }) }
const busy: BackendReply = { error: { kind: 'other', message: 'busy', status: 0 } }
const never: BackendReply = { error: { kind: 'unrecoverable', message: 'no', status: 0 } }

async function mint(it: World, count: number): Promise<void> {
  for (let at = 0; at < count; at += 100)
    await Promise.all(Array.from({ length: 100 }, () => it.ask('read', 'tf/creds')))
}

test('ten thousand leases that ended while the host was down hold up neither its start nor others, and none is lost', async (t) => {
  const refusals = new Map<number, number>()
  const book = bookkeeper(async (id) => {
    await Promise.resolve()
    // One in ten is never given up, one in three is refused twice.
    if (id % 10 === 0) return never
    const refused = refusals.get(id) ?? 0
    if (id % 3 !== 0 || refused === 2) return {}
    refusals.set(id, refused + 1)
    return busy
  })
  const it = await world(t, { tf: book.script, kv }, MOUNTS)
  await mint(it, LEASES)
  const sinceMs = performance.now()
  await it.restart(3 * HOUR)
  t.diagnostic(`${Math.round(performance.now() - sinceMs)} ms from the end to the start of a host of ${LEASES} leases`)
  assert.equal(it.host.operator.leases().length, LEASES)
  assert.equal(book.alive.size, LEASES)
  assert.equal((await it.ask('read', 'kv/x')).status, 200)

  await it.clock.advance(1)
  assert.equal(book.mostAtOnce, 8)
  // In the middle of it the host ends once more.
  await it.clock.advance(5_000)
  await it.restart(1_000)
  await it.clock.advance(HOUR)
  const given = Array.from({ length: LEASES / 10 }, (_, at) => 10 * (at + 1))
  assert.deepEqual(
    [...book.alive].sort((a, b) => a - b),
    given,
  )
  // Those are an operator's to look at, also after another start.
  await it.restart()
  assert.equal(it.host.operator.leases().length, given.length)
  assert.equal(it.events.filter(({ name }) => name === 'lease-irrevocable').length, given.length)
  t.diagnostic(`${it.plugins.of('revoke').length} revocations, ${book.mostAtOnce} at once at most`)
})

test('a plugin that hangs over all of them is asked eight at a time, and its mount is served meanwhile', async (t) => {
  let hangs = true
  const waiting: (() => void)[] = []
  const book = bookkeeper(async () => {
    if (hangs) await new Promise<void>((resolve) => waiting.push(resolve))
    return {}
  })
  const it = await world(t, { tf: book.script, kv }, MOUNTS)
  await mint(it, 1000)
  await it.restart(3 * HOUR)
  await it.clock.advance(60_000)
  assert.equal(waiting.length, 8)
  assert.equal((await it.ask('read', 'tf/creds')).status, 200)
  hangs = false
  for (const resolve of waiting) resolve()
  await it.clock.advance(60_000)
  assert.deepEqual([it.host.operator.leases().length, book.alive.size], [1, 1])
})

test('a host that is told to end amid ten thousand revocations ends after ten seconds, and finds the rest at its next start', async (t) => {
  let left = 1000
  const book = bookkeeper(async () => {
    left -= 1
    return left < 0 ? new Promise<BackendReply>(() => {}) : {}
  })
  const it = await world(t, { tf: book.script, kv }, MOUNTS)
  await mint(it, LEASES)
  await it.restart(3 * HOUR)
  await it.clock.advance(1)
  const closed = it.host.close()
  await it.clock.advance(30_000)
  await closed
  assert.equal(book.alive.size, LEASES - 1000)
  await it.store.open()
  left = Infinity
  await it.restart()
  assert.equal(it.host.operator.leases().length, LEASES - 1000)
  await it.clock.advance(1)
  assert.deepEqual([it.host.operator.leases().length, book.alive.size], [0, 0])
})
