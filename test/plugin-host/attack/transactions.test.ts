import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { MountStorage } from '../../../lib/plugin-host/process/mount-storage.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { systemRandom } from '../../../lib/system/random.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'

const MIB = 1024 * 1024

function storageOf(): MountStorage {
  const limits = { maxKeyBytes: 4096, maxValueBytes: 32 * MIB }
  return new MountStorage({ store: memory(), limits, clock: new FakeClock(), random: systemRandom })
}

test('transactions that nobody commits hold 64 MiB of a mount together, not each, and give it back', async () => {
  const storage = storageOf()
  const value = Buffer.alloc(16 * MIB)
  const open = Array.from({ length: 8 }, () => storage.begin(false))
  const outcomes = await Promise.allSettled(open.map((txn) => storage.write('key', value, txn)))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3)
  for (const txn of open) storage.rollback(txn)
  const txn = storage.begin(false)
  await storage.write('key', value, txn)
  await storage.commit(txn)
  assert.equal((await storage.get('key', ''))?.byteLength, value.byteLength)
})

test('what a transaction has read is counted, too', async () => {
  const storage = storageOf()
  const txn = storage.begin(true)
  const reads = async (): Promise<void> => {
    for (let at = 0; at < 20_000; at += 1) await storage.get(`${at}/${'k'.repeat(4000)}`, txn)
  }
  await assert.rejects(reads(), RangeError)
})

test('one that stays open does not make the host remember every key that is written', async () => {
  const storage = storageOf()
  const txn = storage.begin(false)
  await storage.get('read', txn)
  for (let at = 0; at < 50_001; at += 1) await storage.write(`${at}`, undefined, '')
  // Whether it may be committed is known no more, so it may not.
  await assert.rejects(storage.commit(txn), /unknown transaction/)
  assert.ok(storage.begin(false))
})
