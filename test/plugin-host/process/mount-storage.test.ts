import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { MountStorage } from '../../../lib/plugin-host/process/mount-storage.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import type { Store, StoreChange } from '../../../lib/ports/store.ts'
import { systemRandom } from '../../../lib/system/random.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const LIMITS = { maxKeyBytes: 64, maxValueBytes: 100 }

function storageOf(store: Store = memory(), clock: FakeClock = new FakeClock()): MountStorage {
  return new MountStorage({ store, limits: LIMITS, clock, random: systemRandom })
}

async function textOf(storage: MountStorage, key: string, txn = ''): Promise<string | undefined> {
  const value = await storage.get(key, txn)
  return value === undefined ? undefined : Buffer.from(value).toString()
}

test('a transaction reads its own writes, and nobody else does before the commit', async () => {
  const storage = storageOf()
  await storage.write('a', bytes('1'), '')
  const txn = storage.begin(false)
  await storage.write('a', bytes('2'), txn)
  await storage.write('b/c', bytes('3'), txn)
  assert.deepEqual([await textOf(storage, 'a', txn), await textOf(storage, 'a')], ['2', '1'])
  assert.deepEqual([await storage.list('', txn), await storage.list('', '')], [['a', 'b/'], ['a']])
  await storage.commit(txn)
  assert.deepEqual([await textOf(storage, 'a'), await textOf(storage, 'b/c')], ['2', '3'])
})

test('a commit is one write of the store, and an empty one is none', async () => {
  const writes: (readonly StoreChange[])[] = []
  const inner = memory()
  const storage = storageOf({
    get: (key) => inner.get(key),
    list: (prefix, page) => inner.list(prefix, page),
    write: (changes) => {
      writes.push(changes)
      return inner.write(changes)
    },
    close: () => inner.close(),
  })
  const txn = storage.begin(false)
  for (const key of ['a', 'b', 'a']) await storage.write(key, bytes(key), txn)
  await storage.commit(txn)
  await storage.commit(storage.begin(false))
  assert.deepEqual(
    writes.map((changes) => changes.map(({ key }) => key)),
    [['a', 'b']],
  )
})

test('what is rolled back never was', async () => {
  const storage = storageOf()
  const txn = storage.begin(false)
  await storage.write('a', bytes('1'), txn)
  storage.rollback(txn)
  assert.equal(await textOf(storage, 'a'), undefined)
})

test('lists of a transaction lack what it deleted, folders too, and know pages', async () => {
  const storage = storageOf()
  for (const key of ['a', 'f/x', 'f/g/y', 'z']) await storage.write(key, bytes(key), '')
  const txn = storage.begin(false)
  for (const key of ['a', 'f/x', 'f/g/y']) await storage.write(key, undefined, txn)
  assert.deepEqual(await storage.list('', txn), ['z'])
  await storage.write('f/g/new', bytes('1'), txn)
  assert.deepEqual(await storage.list('', txn), ['f/', 'z'])
  assert.deepEqual(await storage.list('f/', txn), ['g/'])
  assert.deepEqual(await storage.list('', txn, { limit: 1 }), ['f/'])
  assert.deepEqual(await storage.list('', txn, { after: 'f/', limit: 5 }), ['z'])
  assert.deepEqual(await storage.list('', txn, { after: 'z' }), [])
})

test('two that change what both have read: the second is refused', async () => {
  const storage = storageOf()
  await storage.write('n', bytes('1'), '')
  const [first, second] = [storage.begin(false), storage.begin(false)]
  for (const txn of [first, second]) {
    await storage.get('n', txn)
    await storage.write('n', bytes(txn), txn)
  }
  await storage.commit(first)
  await assert.rejects(storage.commit(second), /has changed/)
  assert.equal(await textOf(storage, 'n'), first)
})

test('a write outside of a transaction counts as a change of what it has read, lists included', async () => {
  const storage = storageOf()
  const txn = storage.begin(false)
  await storage.list('f/', txn)
  await storage.write('done', bytes('1'), txn)
  await storage.write('f/new', bytes('1'), '')
  await assert.rejects(storage.commit(txn), /has changed/)
  assert.equal(await textOf(storage, 'done'), undefined)
})

test('those that touch different keys do not disturb each other', async () => {
  const storage = storageOf()
  const [first, second] = [storage.begin(false), storage.begin(false)]
  for (const [txn, key] of [
    [first, 'a'],
    [second, 'b'],
  ] as const) {
    await storage.get(key, txn)
    await storage.write(key, bytes(key), txn)
  }
  await Promise.all([storage.commit(first), storage.commit(second)])
  assert.deepEqual([await textOf(storage, 'a'), await textOf(storage, 'b')], ['a', 'b'])
})

test('a read-only one refuses writes with the words that plugins compare', async () => {
  const storage = storageOf()
  await assert.rejects(storage.write('a', bytes('1'), storage.begin(true)), /^Error: cannot write to readonly storage$/)
})

test('an unknown transaction is refused, and so is one that has ended or was dropped', async () => {
  const storage = storageOf()
  const txn = storage.begin(false)
  await storage.commit(txn)
  const dropped = storage.begin(false)
  storage.dropTransactions()
  for (const id of ['no-such', txn, dropped]) {
    await assert.rejects(async () => storage.get('a', id), /unknown transaction/)
    await assert.rejects(storage.write('a', bytes('1'), id), /unknown transaction/)
    await assert.rejects(storage.commit(id), /unknown transaction/)
  }
})

test('open transactions are bounded; forgotten ones make room after ten minutes', async () => {
  const clock = new FakeClock()
  const storage = storageOf(memory(), clock)
  for (let at = 0; at < 128; at++) storage.begin(false)
  assert.throws(() => storage.begin(false), /too many/)
  await clock.advance(600_001)
  assert.ok(storage.begin(false))
})

test('keys and values have limits, and no key leads upwards', async () => {
  const storage = storageOf()
  const quota = { code: 'ERR_PORTCULLIS_STORAGE_QUOTA' }
  await assert.rejects(storage.write('k'.repeat(65), bytes(''), ''), quota)
  await assert.rejects(storage.write('k', new Uint8Array(101), ''), quota)
  await assert.rejects(storage.write('k', new Uint8Array(101), storage.begin(false)), quota)
  for (const key of ['../a', 'a/../b', 'a..b']) {
    await assert.rejects(storage.write(key, bytes(''), ''), /^Error: relative paths not supported$/)
    await assert.rejects(async () => storage.get(key, ''), /relative paths/)
    await assert.rejects(async () => storage.list(key, ''), /relative paths/)
  }
})

test('at the empty key there is nothing, as plugins of the field expect', async () => {
  const storage = storageOf()
  assert.equal(await storage.get('', ''), undefined)
  assert.equal(await storage.get('', storage.begin(true)), undefined)
})

test('a deletion of what is no name is well, as in a server; a write of it is refused', async () => {
  const storage = storageOf()
  for (const key of ['', 'a/']) {
    await storage.write(key, undefined, '')
    await assert.rejects(storage.write(key, bytes('1'), ''), { message: 'a key must have a name' })
  }
})
