import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { MountStorage } from '../../../lib/plugin-host/process/mount-storage.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import type { StoreChange } from '../../../lib/ports/store.ts'
import { systemRandom } from '../../../lib/system/random.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { Model } from '../storage/model.ts'

const name = fc.constantFrom('a', 'b', 'b0', 'ä', 'z')
const key = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const written = fc.array(key, { maxLength: 30 })
const changed = fc.array(fc.tuple(key, fc.boolean()), { maxLength: 30 })
const page = fc.record({
  prefix: fc.constantFrom('', 'a/', 'b/', 'a/b/', 'z/z/z/'),
  after: fc.constantFrom('', 'a', 'a/', 'b', 'b/', 'b0', 'y'),
  limit: fc.constantFrom(1, 2, 3, 1000),
})
const value = Buffer.from('v')

test('a list within a transaction is what the list will be once it is committed, in any page', async () => {
  await fc.assert(
    fc.asyncProperty(written, changed, page, async (before, changes, { prefix, after, limit }) => {
      const limits = { maxKeyBytes: 1000, maxValueBytes: 1000 }
      const storage = new MountStorage({ store: memory(), limits, clock: new FakeClock(), random: systemRandom })
      const model = new Model()
      for (const at of before) {
        await storage.write(at, value, '')
        model.write([{ key: at, value }])
      }
      const txn = storage.begin(false)
      for (const [at, isDeleted] of changes) {
        const change: StoreChange = { key: at, value: isDeleted ? undefined : value }
        await storage.write(change.key, change.value, txn)
        model.write([change])
      }
      const expected = model.list(prefix, { after, limit })
      assert.deepEqual(await storage.list(prefix, txn, { after, limit }), expected)
      await storage.commit(txn)
      assert.deepEqual(await storage.list(prefix, '', { after, limit }), expected)
    }),
    { numRuns: 500 },
  )
})

test('a list of several thousand names is put together out of parts, deleted and added ones in their places', async () => {
  const limits = { maxKeyBytes: 1000, maxValueBytes: 1000 }
  const storage = new MountStorage({ store: memory(), limits, clock: new FakeClock(), random: systemRandom })
  const names = Array.from({ length: 5000 }, (_, at) => String(at).padStart(4, '0'))
  for (const at of names) await storage.write(`f/${at}`, value, '')
  const txn = storage.begin(false)
  const gone = names.filter((_, at) => at % 3 === 0 || (at > 1500 && at < 3700))
  for (const at of gone) await storage.write(`f/${at}`, undefined, txn)
  const added = names.filter((_, at) => at % 7 === 0).map((at) => `${at}+`)
  for (const at of added) await storage.write(`f/${at}`, value, txn)
  const left = [...names.filter((at) => !gone.includes(at)), ...added].sort()
  assert.deepEqual(await storage.list('f/', txn), left)
  assert.deepEqual(
    await storage.list('f/', txn, { after: '1000', limit: 1234 }),
    left.filter((at) => at > '1000').slice(0, 1234),
  )
})

test('a list longer than a message may be is refused in words, and had in pages', async () => {
  const limits = { maxKeyBytes: 1000, maxValueBytes: 1000 }
  const parts = { store: memory(), limits, clock: new FakeClock(), random: systemRandom, maxListBytes: 20_000 }
  const storage = new MountStorage(parts)
  for (let at = 0; at < 3000; at += 1) await storage.write(`n${at}`, value, '')
  await assert.rejects(storage.list('', ''), /larger than 20000 bytes: ask for it in pages/)
  assert.equal((await storage.list('', '', { limit: 1500 })).length, 1500)
})
