import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { type TestContext, test } from 'node:test'
import type { Backend } from '../../../lib/model/backend.ts'
import { viewOf } from '../../../lib/plugin-host/storage/view.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { mountOf, rig, servicesOf } from '../process/plugins-for-test.ts'
import { act, assailant, attack, storeOnDisk } from './assailant.ts'

const MIB = 1024 * 1024
const NAMES = 1_000_000

/** Two plugins on one store. */
async function opponents(t: TestContext, store: Store): Promise<Readonly<Record<'bad' | 'good', Backend>>> {
  const { plugins } = rig(t)
  const open = (name: string): Promise<Backend> => {
    const storage = viewOf(store, `logical/${name}/`, { keys: 'server', maxBytes: 256 * MIB })
    return plugins.backend(assailant(t, name), mountOf(`${name}/`), servicesOf({ storage }))
  }
  const [bad, good] = await Promise.all([open('bad'), open('good')])
  return { bad, good }
}

/** Puts so many keys below `folder`. */
async function fill(store: Store, folder: string, count: number): Promise<void> {
  const value = Buffer.from('v')
  for (let from = 0; from < count; from += 10_000) {
    const some = Array.from({ length: Math.min(10_000, count - from) }, (_, at) => nameOf(from + at))
    await store.write(some.map((name) => ({ key: folder + name, value })))
  }
}

function nameOf(at: number): string {
  return `a-name-of-thirty-four-bytes-${String(at).padStart(6, '0')}`
}

test('a plugin with a million keys gets them in pages, or a clear refusal, and keeps nobody waiting', async (t) => {
  const store = await storeOnDisk(t)
  await fill(store, 'logical/bad/', NAMES)
  const { bad, good } = await opponents(t, store)

  const whole = await attack(bad, good, 'list', { prefix: '' })
  t.diagnostic(`in one: ${JSON.stringify(whole)}`)
  assert.match(String(whole.result.err), /ask for it in pages/)

  const paged = await attack(bad, good, 'list', { prefix: '', page: 100_000 })
  t.diagnostic(`in pages: ${JSON.stringify(paged)}`)
  assert.deepEqual([paged.result.err, paged.result.names, paged.result.last], ['', NAMES, nameOf(NAMES - 1)])

  const inTransaction = await attack(bad, good, 'list', { prefix: '', page: 100_000, inTransaction: true })
  t.diagnostic(`in pages of a transaction: ${JSON.stringify(inTransaction)}`)
  assert.deepEqual([inTransaction.result.err, inTransaction.result.names], ['', NAMES])

  const many = await attack(bad, good, 'lists', { prefix: '', count: 20 })
  t.diagnostic(`20 at once: ${JSON.stringify(many)}`)
  assert.equal(Object.keys(many.result).length, 1)
  for (const { risenMiB, others } of [whole, paged, inTransaction, many]) {
    assert.ok(risenMiB < 800, `${risenMiB} MiB more`)
    assert.ok(Number(others.calls) > 100, `${others.calls} reads of another plugin`)
  }
})

test('to count what a mount holds keeps nobody waiting, and holds no memory', async (t) => {
  const store = await storeOnDisk(t)
  await fill(store, 'logical/bad/', 200_000)
  const { bad, good } = await opponents(t, store)
  const counted = await attack(bad, good, 'put', { key: 'first', text: 'written' })
  t.diagnostic(JSON.stringify(counted))
  assert.equal(counted.result.err, '')
  assert.ok(counted.risenMiB < 200, `${counted.risenMiB} MiB more`)
  assert.ok(Number(counted.others.calls) > 100, `${counted.others.calls} reads of another plugin`)
})

test('many reads and writes of 7 MiB at once are all done, a few at a time', async (t) => {
  const { bad, good } = await opponents(t, await storeOnDisk(t))
  await act(bad, 'puts', { count: 1, bytes: 7 * MIB })
  const reads = await attack(bad, good, 'gets', { count: 200, key: 'put/0' })
  t.diagnostic(`200 reads: ${JSON.stringify(reads)}`)
  assert.deepEqual(reads.result, { ok: 200 })
  const writes = await attack(bad, good, 'puts', { count: 40, keys: 4, bytes: 7 * MIB })
  t.diagnostic(`40 writes: ${JSON.stringify(writes)}`)
  assert.deepEqual(writes.result, { ok: 40 })
  for (const { risenMiB, others } of [reads, writes]) {
    assert.ok(risenMiB < 800, `${risenMiB} MiB more`)
    assert.ok(Number(others.calls) > 100, `${others.calls} reads of another plugin`)
  }
})

test('ten thousand small calls at once are answered, and others beside them', async (t) => {
  const { bad, good } = await opponents(t, await storeOnDisk(t))
  const reads = await attack(bad, good, 'gets', { count: 10_000, key: 'none' })
  const writes = await attack(bad, good, 'puts', { count: 10_000, bytes: 100 })
  t.diagnostic(`reads: ${JSON.stringify(reads)}; writes: ${JSON.stringify(writes)}`)
  assert.deepEqual([reads.result, writes.result], [{ ok: 10_000 }, { ok: 10_000 }])
  assert.ok(Number(reads.others.calls) > 10 && Number(writes.others.calls) > 10)
})

test('a transaction that empties thousands of folders cannot keep the host busy with its lists', async (t) => {
  const { bad, good } = await opponents(t, await storeOnDisk(t))
  const deep = Array.from({ length: 2000 }, (_, at) => `${at}/${'d/'.repeat(500)}x`)
  const refused = await attack(bad, good, 'delete and list', { keys: deep, prefix: '' })
  t.diagnostic(JSON.stringify(refused))
  assert.match(String(refused.result.err), /emptied too many folders/)
  assert.ok(Number(refused.others.calls) > 10)
  await act(bad, 'puts', { count: 500, bytes: 10 })
  const keys = Array.from({ length: 499 }, (_, at) => `put/${at}`)
  assert.deepEqual(await act(bad, 'delete and list', { keys, prefix: 'put/' }), { left: 1, err: '' })
})
