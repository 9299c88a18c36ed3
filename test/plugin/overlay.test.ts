import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createMemoryHost } from 'portcullis/plugin/testing'
import { storageOf } from '../../lib/plugin/storage.ts'

const key = fc.constantFrom('a', 'b', 'a/b', 'a/b/c', 'a/d', 'Z', 'é', '😀')
const step = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('list' as const), key: fc.constantFrom('', 'a/', 'a/b/', 'none/') }),
  fc.record({ kind: fc.constant('page' as const), key: fc.constantFrom('', 'a/') }),
  fc.record({ kind: fc.constant('get' as const), key }),
)

/** What a transaction sees, and what is there when it has ended. */
async function trace(
  hasTransactions: boolean,
  before: readonly string[],
  steps: readonly { kind: string; key: string }[],
) {
  const host = createMemoryHost({ hasTransactions })
  const storage = storageOf(host.storage)
  for (const name of before) await storage.putJson(name, 'before')
  const seen: unknown[] = []
  await storage.transaction(async (inside) => {
    for (const { kind, key: at } of steps) {
      if (kind === 'put') await inside.putJson(at, `now ${at}`)
      else if (kind === 'delete') await inside.delete(at)
      else if (kind === 'list') seen.push(await inside.list(at))
      else if (kind === 'page') seen.push(await inside.list(at, { after: 'a', limit: 2 }))
      else seen.push(await inside.getJson(at))
    }
  })
  const left = [...host.entries].map(([name, value]) => [name, Buffer.from(value).toString()]).sort()
  return { seen, left }
}

test('a transaction is the same on a host that has none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(key), fc.array(step, { maxLength: 12 }), async (before, steps) => {
      assert.deepEqual(await trace(false, before, steps), await trace(true, before, steps))
    }),
    { numRuns: 500 },
  )
})

for (const hasTransactions of [true, false]) {
  test(`a transaction that rejects changes nothing ${hasTransactions ? 'with' : 'without'} help of the host`, async () => {
    const host = createMemoryHost({ hasTransactions })
    const storage = storageOf(host.storage)
    await storage.putJson('kept', 1)
    const failed = storage.transaction(async (inside) => {
      await inside.delete('kept')
      await inside.putJson('new', 1)
      throw new Error('no')
    })
    await assert.rejects(failed, /no/)
    assert.deepEqual([...host.entries.keys()], ['kept'])
  })
}

test('keys and values that no host takes are refused here', async () => {
  const storage = storageOf(createMemoryHost().storage)
  await assert.rejects(storage.get('a/../b'), /relative paths not supported/)
  await assert.rejects(storage.put('k'.repeat(1537), new Uint8Array()), RangeError)
  await assert.rejects(storage.put('k', new Uint8Array(32 * 1024 * 1024 + 1)), RangeError)
  await assert.rejects(storage.list('', { limit: 0 }), RangeError)
})

test('what was handed out can be changed without changing what is stored', async () => {
  const storage = storageOf(createMemoryHost({ hasTransactions: false }).storage)
  const bytes = Buffer.from('abc')
  await storage.put('key', bytes)
  bytes.fill(0)
  assert.equal(Buffer.from((await storage.get('key')) ?? []).toString(), 'abc')
})
