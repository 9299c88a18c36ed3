import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { Store, StoreChange } from '../../../lib/ports/store.ts'
import { Model } from './model.ts'

/** A store under test: empty, and brought back by `reopen` with what it held. */
export interface Subject {
  readonly store: Store
  reopen?(): Promise<Store>
}

/** What differs between the stores that pass {@link suite}. */
export interface SuiteOptions {
  /** Longest key, in bytes. */
  readonly maxKeyBytes: number
  readonly maxValueBytes: number
  /** Property runs; those over a socket are slower. */
  readonly runs: number
}

/** What every {@link Store} does, be it driver, barrier or view. `make` gives a new, empty one. */
export function suite(name: string, make: (t: TestContext) => Promise<Subject>, options: SuiteOptions): void {
  const check = (fact: string, run: (subject: Subject) => Promise<void>): void => {
    test(`${name}: ${fact}`, async (t) => run(await make(t)))
  }

  check('what was written is read, what was not is undefined', async ({ store }) => {
    await store.write([put('a/b', 'one')])
    assert.equal(textOf(await store.get('a/b')), 'one')
    assert.equal(await store.get('a'), undefined)
    assert.equal(await store.get('a/b/c'), undefined)
    await store.write([put('a/b', 'two')])
    assert.equal(textOf(await store.get('a/b')), 'two')
  })

  check('an empty value is a value', async ({ store }) => {
    await store.write([put('empty', '')])
    assert.equal((await store.get('empty'))?.length, 0)
    assert.deepEqual(await store.list(''), ['empty'])
  })

  check('a value of 1 MiB comes back whole', async ({ store }) => {
    const value = randomBytes(1024 * 1024)
    await store.write([{ key: 'large', value }])
    assert.ok(value.equals((await store.get('large')) ?? Buffer.of()))
  })

  check('deleting what is not there succeeds', async ({ store }) => {
    await store.write([{ key: 'nothing/here', value: undefined }])
    await store.write([])
    assert.deepEqual(await store.list(''), [])
  })

  check('a list has keys and folders of one level, a folder once, both where both are', async ({ store }) => {
    await store.write(['a', 'a/x', 'a/y/z', 'a!', 'a0', 'b/c/d', 'b/c/e'].map((key) => put(key, key)))
    assert.deepEqual(await store.list(''), ['a', 'a!', 'a/', 'a0', 'b/'])
    assert.deepEqual(await store.list('a/'), ['x', 'y/'])
    assert.deepEqual(await store.list('b/'), ['c/'])
    assert.deepEqual(await store.list('b/c/'), ['d', 'e'])
    assert.deepEqual(await store.list('nowhere/'), [])
    await store.write([put('b/c/d', undefined), put('b/c/e', undefined)])
    assert.deepEqual(await store.list('b/'), [])
    assert.deepEqual(await store.list(''), ['a', 'a!', 'a/', 'a0'])
  })

  check('names are ordered by their bytes in UTF-8, not by UTF-16 units', async ({ store }) => {
    // U+FFFD and U+E000 come before U+1F600 as bytes, and after its first surrogate as units.
    const names = ['z', '\u{1f600}', '\ufffd', '\ue000', 'é', '\u{10ffff}', '\ud7ff', 'Z']
    await store.write(names.map((key) => put(`f/${key}`, key)))
    const sorted = ['Z', 'z', 'é', '\ud7ff', '\ue000', '\ufffd', '\u{1f600}', '\u{10ffff}']
    assert.deepEqual(await store.list('f/'), sorted)
    assert.deepEqual(await store.list('f/', { after: '\ufffd', limit: 1 }), ['\u{1f600}'])
  })

  check('pages put together are the list', async ({ store }) => {
    const keys = Array.from({ length: 120 }, (_, index) => `k/${index % 40}${index % 3 === 0 ? `/${index}` : ''}`)
    await store.write(keys.map((key) => put(key, key)))
    const all = await store.list('k/')
    for (const limit of [1, 7, 1000]) {
      const seen: string[] = []
      for (;;) {
        const page = await store.list('k/', { after: seen.at(-1) ?? '', limit })
        assert.ok(page.length <= limit)
        seen.push(...page)
        if (page.length < limit) break
      }
      assert.deepEqual(seen, all)
    }
    assert.deepEqual(await store.list('k/', { limit: 0 }), [])
    assert.deepEqual(await store.list('k/', { limit: Infinity }), all)
  })

  check('a folder of many keys is one name, wherever the page begins', async ({ store }) => {
    const many = Array.from({ length: 300 }, (_, index) => put(`m/${index}`, 'x'))
    await store.write([...many, put('m', 'x'), put('l', 'x'), put('n/o', 'x'), put('m0', 'x')])
    assert.deepEqual(await store.list(''), ['l', 'm', 'm/', 'm0', 'n/'])
    assert.deepEqual(await store.list('', { after: 'm' }), ['m/', 'm0', 'n/'])
    assert.deepEqual(await store.list('', { after: 'm/' }), ['m0', 'n/'])
    assert.deepEqual(await store.list('', { after: 'm/5' }), ['m0', 'n/'])
    assert.equal((await store.list('m/')).length, 300)
  })

  check('odd names are names', async ({ store }) => {
    const names = ['.', 'a b', '%2F', '\\', "'; DROP TABLE x; --", '*', '_', '%', '{"a":1}', '­', '\u0301', '__proto__']
    await store.write(names.map((key) => put(key, key)))
    for (const key of names) assert.equal(textOf(await store.get(key)), key)
    assert.deepEqual([...(await store.list(''))].sort(), [...names].sort())
  })

  check('of two changes of one key in a write the last one stays', async ({ store }) => {
    await store.write([
      put('a', '1'),
      put('a', '2'),
      put('b', '1'),
      put('b', undefined),
      put('c', undefined),
      put('c', '3'),
    ])
    assert.equal(textOf(await store.get('a')), '2')
    assert.equal(await store.get('b'), undefined)
    assert.equal(textOf(await store.get('c')), '3')
  })

  check('a refused change refuses the whole write', async ({ store }) => {
    await store.write([put('a', 'old')])
    const long = 'k'.repeat(options.maxKeyBytes + 1)
    await assert.rejects(store.write([put('a', 'new'), put(long, 'x')]), { code: 'ERR_PORTCULLIS_STORAGE_QUOTA' })
    assert.equal(textOf(await store.get('a')), 'old')
    assert.deepEqual(await store.list(''), ['a'])
  })

  check('keys and values have a largest size, in bytes', async ({ store }) => {
    const longest = 'é'.repeat(Math.floor(options.maxKeyBytes / 2))
    await store.write([put(longest, 'x')])
    assert.equal(textOf(await store.get(longest)), 'x')
    const quota = { code: 'ERR_PORTCULLIS_STORAGE_QUOTA' }
    await assert.rejects(store.write([put(`${longest}éé`, 'x')]), quota)
    await assert.rejects(store.write([{ key: 'v', value: Buffer.alloc(options.maxValueBytes + 1) }]), quota)
    assert.equal(await store.get('v'), undefined)
  })

  check('an empty key and a lone surrogate are refused', async ({ store }) => {
    for (const key of ['', 'a\ud800']) {
      await assert.rejects(store.write([put(key, 'x')]), TypeError)
      await assert.rejects(store.get(key), TypeError)
    }
  })

  check('what is handed in and out belongs to the caller', async ({ store }) => {
    const value = Buffer.from('kept')
    const writing = store.write([{ key: 'a', value }])
    value.fill('!')
    await writing
    const got = await store.get('a')
    got?.fill(0)
    assert.equal(textOf(await store.get('a')), 'kept')
  })

  check('writes at the same time all happen, in the order of their calls for one key', async ({ store }) => {
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => store.write([put('one', `${index}`), put(`n/${index}`, 'x')])),
    )
    assert.equal(textOf(await store.get('one')), '199')
    assert.equal((await store.list('n/')).length, 200)
  })

  check('does what the model does', async ({ store }) => {
    const model = new Model()
    const segment = fc.constantFrom('a', 'b', '!', '0', 'ab', 'é', '\ufffd', '\u{1f600}', ' ', '.', '%', '~')
    const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
    const value = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined, freq: 3 })
    const change = fc.record({ key, value })
    const folder = fc.array(segment, { maxLength: 3 }).map((parts) => parts.map((part) => `${part}/`).join(''))
    const page = fc.record({
      after: fc.oneof(
        fc.constant(''),
        segment,
        segment.map((text) => `${text}/`),
      ),
      limit: fc.constantFrom(1, 2, 3, Infinity),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 8 }),
        fc.array(folder, { maxLength: 4 }),
        page,
        async (changes, folders, page) => {
          await store.write(changes)
          model.write(changes)
          for (const prefix of ['', ...folders]) {
            assert.deepEqual(await store.list(prefix), model.list(prefix))
            assert.deepEqual(await store.list(prefix, page), model.list(prefix, page))
          }
          for (const { key } of changes) assert.deepEqual(bytesOf(await store.get(key)), bytesOf(model.values.get(key)))
        },
      ),
      { numRuns: options.runs },
    )
    for (const [key, value] of model.values) assert.deepEqual(bytesOf(await store.get(key)), bytesOf(value))
  })

  check('a closed store refuses, and closes twice', async ({ store }) => {
    await store.write([put('a', 'x')])
    const last = store.write([put('b', 'x')])
    await store.close()
    await last
    await store.close()
    const closed = { code: 'ERR_PORTCULLIS_STORAGE_CLOSED' }
    await assert.rejects(store.get('a'), closed)
    await assert.rejects(store.list(''), closed)
    await assert.rejects(store.write([put('a', 'y')]), closed)
  })

  check('what was written is there after closing and opening', async ({ store, reopen }) => {
    if (reopen === undefined) return
    await store.write([put('a/b', 'x'), put('c', 'y')])
    await store.write([put('c', undefined)])
    await store.close()
    const again = await reopen()
    assert.equal(textOf(await again.get('a/b')), 'x')
    assert.deepEqual(await again.list(''), ['a/'])
  })
}

/** A change with text for a value. */
export function put(key: string, value: string | undefined): StoreChange {
  return { key, value: value === undefined ? undefined : Buffer.from(value) }
}

/** The text of a value that was read. */
export function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString()
}

function bytesOf(value: Uint8Array | undefined): readonly number[] | undefined {
  return value === undefined ? undefined : [...value]
}
