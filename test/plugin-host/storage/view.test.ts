import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { DRIVER_LIMITS } from '../../../lib/plugin-host/storage/key.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { viewOf } from '../../../lib/plugin-host/storage/view.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { put, suite, textOf } from './suite.ts'

const PREFIX = 'logical/4f5e/'
const LIMITS = { ...DRIVER_LIMITS, maxKeyBytes: DRIVER_LIMITS.maxKeyBytes - PREFIX.length, runs: 100 }

suite('view', async () => viewIn(memory()), LIMITS)
suite('view with a quota', async () => viewIn(memory(), { maxBytes: 2 ** 40 }), LIMITS)
suite('view with the keys of the server', async () => viewIn(memory(), { keys: 'server' }), LIMITS)

function viewIn(store: Store, options = {}): { readonly store: Store; reopen(): Promise<Store> } {
  return { store: viewOf(store, PREFIX, options), reopen: async () => viewOf(store, PREFIX, options) }
}

test('a view sees only what is below its prefix', async () => {
  const store = memory()
  await store.write([put('logical/4f5e', 'beside'), put('logical/4f5f/a', 'other'), put('sys/b', 'core')])
  const view = viewOf(store, PREFIX)
  await view.write([put('a', 'mine')])
  assert.deepEqual(await view.list(''), ['a'])
  assert.equal(textOf(await store.get('logical/4f5e/a')), 'mine')
  assert.equal(await view.get('sys/b'), undefined)
  await view.write([put('sys/b', undefined), put('logical/4f5f/a', undefined)])
  assert.equal(textOf(await store.get('sys/b')), 'core')
  assert.equal(textOf(await store.get('logical/4f5f/a')), 'other')
})

test('a key with two dots is refused with the words that plugins know, in every call', async () => {
  for (const options of [{}, { keys: 'server' as const }]) {
    const view = viewOf(memory(), PREFIX, options)
    for (const key of ['..', '../4f5f/a', 'a/../b', 'a/..', 'a..b', '...']) {
      const refused = { name: 'TypeError', message: 'relative paths not supported' }
      await assert.rejects(view.get(key), refused)
      await assert.rejects(view.list(key), { name: 'TypeError' })
      await assert.rejects(view.list(`${key}/`), refused)
      await assert.rejects(view.write([put('fine', 'x'), put(key, 'x')]), refused)
      await assert.rejects(view.write([put(key, undefined)]), refused)
      assert.deepEqual(await view.list(''), [])
    }
  }
})

test('empty segments, slashes at an end and control characters are refused', async () => {
  const view = viewOf(memory(), PREFIX)
  for (const key of ['/', '/a', 'a/', 'a//b', '//', 'a\0b', 'a\nb', '\x7f', 'a/\x1b[2J']) {
    await assert.rejects(view.get(key), TypeError)
    await assert.rejects(view.write([put(key, 'x')]), TypeError)
    await assert.rejects(view.list(`${key}/`), TypeError)
  }
  await assert.rejects(view.list('a'), TypeError)
})

test('a view with the keys of the server takes what the server takes', async () => {
  const view = viewOf(memory(), PREFIX, { keys: 'server' })
  await view.write(['/config', 'a//b', 'role/', 'odd\tname', 'roles'].map((key) => put(key, key)))
  assert.equal(textOf(await view.get('/config')), '/config')
  assert.equal(textOf(await view.get('role/')), 'role/')
  assert.deepEqual(await view.list(''), ['/', 'a/', 'odd\tname', 'role/', 'roles'])
  assert.deepEqual(await view.list('a/'), ['/'])
  assert.deepEqual(await view.list('ro'), ['le/', 'les'])
})

test('a refusal shows no control character', async () => {
  const view = viewOf(memory(), PREFIX)
  await assert.rejects(view.get('a\x1b[2Jb'), ({ message }: Error) => !message.includes('\x1b'))
})

test('the prefix of a view ends in a slash', () => {
  assert.throws(() => viewOf(memory(), 'logical'), TypeError)
  assert.throws(() => viewOf(memory(), ''), TypeError)
})

const QUOTA = { code: 'ERR_PORTCULLIS_STORAGE_QUOTA' }

test('a view holds at most the bytes of its quota, keys counted', async () => {
  const view = viewOf(memory(), PREFIX, { maxBytes: 100 })
  await view.write([put('k', 'x'.repeat(99))])
  await assert.rejects(view.write([put('l', '')]), QUOTA)
  await view.write([put('k', 'x'.repeat(50))])
  await view.write([put('l', 'x'.repeat(48))])
  await assert.rejects(view.write([put('m', undefined), put('n', 'x')]), QUOTA)
  await view.write([put('l', undefined), put('n', 'x'.repeat(48))])
  assert.deepEqual(await view.list(''), ['k', 'n'])
})

test('what was there before is counted, in all folders', async () => {
  const store = memory()
  await store.write([put(`${PREFIX}a/b/c`, 'x'.repeat(95)), put(`${PREFIX}a/b`, ''), put('other', 'x'.repeat(1000))])
  const view = viewOf(store, PREFIX, { maxBytes: 104 })
  await assert.rejects(view.write([put('z', 'x')]), QUOTA)
  await view.write([put('z', '')])
})

test('a view above its quota can still shrink', async () => {
  const store = memory()
  await store.write([put(`${PREFIX}a`, 'x'.repeat(500)), put(`${PREFIX}b`, 'x'.repeat(500))])
  const view = viewOf(store, PREFIX, { maxBytes: 100 })
  await view.write([put('a', 'x'.repeat(400))])
  await assert.rejects(view.write([put('a', 'x'.repeat(401))]), QUOTA)
  await view.write([put('b', undefined)])
})

test('writes at the same time do not pass the quota together', async () => {
  const view = viewOf(memory(), PREFIX, { maxBytes: 100 })
  const all = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) => view.write([put(`${index + 10}`, 'x'.repeat(8))])),
  )
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 10)
  assert.equal((await view.list('')).length, 10)
})

test('a write that was refused below is not counted, and nothing is read anew for it', async () => {
  const store = memory()
  let lists = 0
  const counting: Store = {
    ...bound(store),
    list(...args) {
      lists += 1
      return store.list(...args)
    },
  }
  const view = viewOf(counting, PREFIX, { maxBytes: 100 })
  await view.write([put('a', 'x'.repeat(9))])
  for (let round = 0; round < 20; round++) {
    await assert.rejects(view.write([put('b', 'x'.repeat(50)), put('k'.repeat(2000), undefined)]), QUOTA)
  }
  assert.equal(lists, 1)
  await view.write([put('b', 'x'.repeat(89))])
})

test('after a write of which nobody knows what it did, the view counts anew', async () => {
  const store = memory()
  let fails = false
  const failing: Store = {
    ...bound(store),
    async write(changes) {
      await store.write(changes)
      if (fails) throw new Error('the connection was lost')
    },
  }
  const view = viewOf(failing, PREFIX, { maxBytes: 100 })
  await view.write([put('a', 'x'.repeat(9))])
  fails = true
  await assert.rejects(view.write([put('b', 'x'.repeat(49))]))
  fails = false
  await assert.rejects(view.write([put('c', 'x'.repeat(49))]), QUOTA)
  await view.write([put('c', 'x'.repeat(39))])
})

test('closing a view leaves the store open', async () => {
  const store = memory()
  const view = viewOf(store, PREFIX)
  await view.write([put('a', 'x')])
  await view.close()
  assert.equal(Buffer.from((await store.get(`${PREFIX}a`)) ?? []).toString(), 'x')
})

function bound(store: Store): Store {
  return {
    get: (key) => store.get(key),
    list: (prefix, page) => store.list(prefix, page),
    write: (changes) => store.write(changes),
    close: () => store.close(),
  }
}
