import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { StorageError } from '../../../lib/errors/index.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { createUsage, MAX_KEYS, type Usage } from '../../../lib/plugin-host/storage/usage.ts'
import type { Store, StoreChange } from '../../../lib/ports/store.ts'

const MAX = 1000
const QUOTA = { code: 'ERR_PORTCULLIS_STORAGE_QUOTA' }

/** A store that takes its time over each call, keeps the order of writes, and refuses, or fails, those that name a key such. */
function fickle(pauses: () => number): Store {
  const store = memory()
  let last = Promise.resolve()
  const pause = async (): Promise<void> => {
    for (let left = pauses(); left > 0; left -= 1) await Promise.resolve()
  }
  return {
    async get(key) {
      const value = await store.get(key)
      await pause()
      return value
    },
    list: (prefix, page) => store.list(prefix, page),
    async write(changes) {
      const before = last
      last = before.then(pause)
      await last
      if (changes.some(({ key }) => key.endsWith('refused'))) throw new StorageError(QUOTA.code as never, 'refused')
      await store.write(changes)
      await pause()
      if (changes.some(({ key }) => key.endsWith('lost'))) throw new Error('lost')
    },
    close: () => store.close(),
  }
}

const change = fc.tuple(fc.constantFrom('a', 'b', 'c', 'refused', 'lost'), fc.option(fc.nat(300), { nil: undefined }))
const writes = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 40 })

test('whatever is written at once, refused, or lost in between: what is counted is what there is', async () => {
  await fc.assert(
    fc.asyncProperty(writes, fc.array(fc.nat(6), { minLength: 1 }), async (all, pauses) => {
      let at = 0
      const store = fickle(() => pauses[at++ % pauses.length] ?? 0)
      const usage = createUsage(store, 'p/', MAX)
      await Promise.allSettled(all.map((changes) => usage.write(changes.map(changeOf))))
      assert.equal(await roomOf(usage), MAX - (await bytesOf(store)))
    }),
    { numRuns: 300 },
  )
})

function changeOf([name, bytes]: readonly [string, number | undefined]): StoreChange {
  return { key: `p/${name}`, value: bytes === undefined ? undefined : Buffer.alloc(bytes) }
}

async function bytesOf(store: Store): Promise<number> {
  let bytes = 0
  for (const name of await store.list('p/')) bytes += name.length + ((await store.get(`p/${name}`))?.length ?? 0)
  return bytes
}

/** Bytes that it still takes, found out by trying. */
async function roomOf(usage: Usage): Promise<number> {
  let low = 0
  for (let high = MAX; low < high; ) {
    const middle = Math.ceil((low + high) / 2)
    const taken = await usage.write([{ key: 'p/z', value: Buffer.alloc(middle - 1) }]).then(
      () => true,
      () => false,
    )
    if (taken) await usage.write([{ key: 'p/z', value: undefined }])
    if (taken) low = middle
    else high = middle - 1
  }
  return low
}

test('writes that are refused in pairs cannot talk the count down', async () => {
  const store = fickle(() => 3)
  const usage = createUsage(store, 'p/', MAX)
  await usage.write([{ key: 'p/a', value: Buffer.alloc(900) }])
  const pair = [10, 20].map((bytes) =>
    usage.write([
      { key: 'p/a', value: Buffer.alloc(bytes) },
      { key: 'p/refused', value: undefined },
    ]),
  )
  await Promise.allSettled(pair)
  await assert.rejects(usage.write([{ key: 'p/b', value: Buffer.alloc(200) }]), QUOTA)
})

test('writes reach the store in the order in which they were asked for, whatever has to be looked up first', async () => {
  const written: string[] = []
  let pauses = 20
  const inner = fickle(() => pauses--)
  const store: Store = { ...inner, write: async (changes) => void written.push(changes[0]?.key ?? '') }
  const usage = createUsage(store, 'p/', MAX)
  const keys = Array.from({ length: 10 }, (_, at) => `p/${at % 4}`)
  await Promise.all(keys.map((key) => usage.write([{ key, value: Buffer.of(1) }])))
  assert.deepEqual(written, keys)
})

test('keys are counted, too: a million', async () => {
  let keys = MAX_KEYS
  const store: Store = {
    ...memory(),
    get: async () => undefined,
    list: async () => [],
    write: async () => undefined,
  }
  const usage = createUsage(store, 'p/', Infinity)
  const some = 1000
  for (; keys > 0; keys -= some) {
    await usage.write(Array.from({ length: some }, (_, at) => ({ key: `p/${keys - at}`, value: Buffer.of() })))
  }
  await assert.rejects(usage.write([{ key: 'p/more', value: Buffer.of() }]), QUOTA)
})
