import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import type { StorageDriver } from '../../../lib/plugin-host/storage/driver.ts'
import { lmdb } from '../../../lib/plugin-host/storage/lmdb.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { rootKeyOf } from '../../../lib/plugin-host/storage/root-key.ts'
import { createStorage, type Storage, type StorageOptions } from '../../../lib/plugin-host/storage/storage.ts'
import { viewOf } from '../../../lib/plugin-host/storage/view.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { put, suite, textOf } from './suite.ts'

const ROOT = randomBytes(32)
const LIMITS = { maxKeyBytes: 1024, maxValueBytes: 1024 * 1024, runs: 60 }
const CORRUPT = { name: 'StorageError', code: 'ERR_PORTCULLIS_STORAGE_CORRUPT' }
const KEY = { name: 'StorageError', code: 'ERR_PORTCULLIS_STORAGE_KEY' }

function openOn(driver: StorageDriver, options: Partial<StorageOptions> = {}): Promise<Storage> {
  return createStorage({ driver, rootKey: rootKeyOf(ROOT), ...options })
}

function folderFor(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'portcullis-barrier-'))
  t.after(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'storage')
}

suite(
  'barrier on memory',
  async () => {
    const driver = memory()
    return { store: await openOn(driver), reopen: () => openOn(driver) }
  },
  LIMITS,
)

suite(
  'barrier that rotates all the time',
  async () => {
    const driver = memory()
    return { store: await openOn(driver, { rotateAfterWrites: 1 }), reopen: () => openOn(driver) }
  },
  LIMITS,
)

suite(
  'barrier on lmdb',
  async (t) => {
    const driver = lmdb(folderFor(t))
    const opened = async (): Promise<Storage> => {
      const storage = await openOn(driver)
      t.after(() => storage.close())
      return storage
    }
    return { store: await opened(), reopen: opened }
  },
  { ...LIMITS, runs: 30 },
)

suite('view on barrier on memory', async () => ({ store: viewOf(await openOn(memory()), 'logical/1/') }), {
  ...LIMITS,
  maxKeyBytes: 1024 - 'logical/1/'.length,
})

/** A storage with `values` in it, and the store below. */
async function filled(
  values: Readonly<Record<string, string>>,
): Promise<{ below: Store; storage: Storage; driver: StorageDriver }> {
  const driver = memory()
  const storage = await openOn(driver)
  await storage.write(Object.entries(values).map(([key, value]) => put(key, value)))
  return { below: driver, storage, driver }
}

async function recordAt(below: Store, key: string): Promise<Buffer> {
  const record = await below.get(key)
  assert.ok(record !== undefined, key)
  return Buffer.from(record)
}

async function rawKeys(below: Store, prefix = ''): Promise<readonly string[]> {
  const names = await below.list(prefix)
  const all = names.map((name) => (name.endsWith('/') ? rawKeys(below, prefix + name) : [prefix + name]))
  return (await Promise.all(all)).flat()
}

test('nothing of a value is in what the driver stores', async () => {
  const { below } = await filled({ 'a/b': 'PLANTED-VALUE', c: 'PLANTED-VALUE' })
  for (const key of await rawKeys(below)) {
    const record = await recordAt(below, key)
    assert.equal(record.includes('PLANTED'), false)
    assert.equal(record.includes(ROOT.subarray(0, 8)), false)
  }
  assert.notDeepEqual(await recordAt(below, 'data/a/b'), await recordAt(below, 'data/c'))
})

test('the file of lmdb has nothing of a value', async (t) => {
  const folder = folderFor(t)
  const storage = await openOn(lmdb(folder))
  for (let round = 0; round < 20; round++) await storage.write([put('name-in-the-clear', `PLANTED-VALUE-${round}`)])
  await storage.close()
  const file = readFileSync(join(folder, 'data.mdb'))
  assert.equal(file.includes('PLANTED'), false)
  assert.equal(file.includes(ROOT), false)
  assert.ok(file.includes('name-in-the-clear'), 'names are not hidden, and that is what the docs say')
})

test('each changed bit of a value is noticed', async () => {
  const { below, storage } = await filled({ secret: 'value' })
  const record = await recordAt(below, 'data/secret')
  for (let index = 0; index < record.length; index++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(record)
      changed[index] = (changed[index] ?? 0) ^ (1 << bit)
      await below.write([{ key: 'data/secret', value: changed }])
      await assert.rejects(storage.get('secret'), CORRUPT, `byte ${index}, bit ${bit}`)
    }
  }
  await below.write([{ key: 'data/secret', value: record }])
  assert.equal(textOf(await storage.get('secret')), 'value')
})

test('a value cut short or lengthened anywhere is noticed', async () => {
  const { below, storage } = await filled({ secret: 'value' })
  const record = await recordAt(below, 'data/secret')
  for (let length = 0; length < record.length; length++) {
    await below.write([{ key: 'data/secret', value: record.subarray(0, length) }])
    await assert.rejects(storage.get('secret'), CORRUPT, `${length} bytes`)
    await below.write([{ key: 'data/secret', value: record.subarray(record.length - length) }])
    await assert.rejects(storage.get('secret'), CORRUPT, `the last ${length} bytes`)
  }
  await below.write([{ key: 'data/secret', value: Buffer.concat([record, Buffer.alloc(1)]) }])
  await assert.rejects(storage.get('secret'), CORRUPT)
})

test('values that changed places are noticed, empty ones too', async () => {
  const { below, storage } = await filled({ a: 'one', b: 'two', 'x/e': '', 'y/e': '' })
  for (const [one, other] of [
    ['a', 'b'],
    ['x/e', 'y/e'],
  ] as const) {
    const [first, second] = [await recordAt(below, `data/${one}`), await recordAt(below, `data/${other}`)]
    await below.write([
      { key: `data/${one}`, value: second },
      { key: `data/${other}`, value: first },
    ])
    await assert.rejects(storage.get(one), CORRUPT)
    await assert.rejects(storage.get(other), CORRUPT)
  }
})

test('each changed byte of the key ring and its check is noticed at the start, by its name', async () => {
  const { below, storage, driver } = await filled({ a: 'one' })
  await storage.rotate()
  await storage.close()
  await driver.open()
  for (const key of ['barrier/key-ring', 'barrier/check']) {
    const record = await recordAt(below, key)
    const damages = [
      ...Array.from(record, (_, index) => changedAt(record, index)),
      ...Array.from(record, (_, length) => record.subarray(0, length)),
    ]
    for (const [number, value] of damages.entries()) {
      await below.write([{ key, value }])
      await assert.rejects(openOn(driver), CORRUPT, `${key}: damage ${number}`)
      await driver.open()
    }
    await below.write([{ key, value: record }])
  }
  assert.equal(textOf(await (await openOn(driver)).get('a')), 'one')
})

function changedAt(record: Buffer, index: number): Buffer {
  const changed = Buffer.from(record)
  changed[index] = (changed[index] ?? 0) ^ 0x01
  return changed
}

test('another root key opens nothing, and is told from damage', async () => {
  const { driver, storage } = await filled({ a: 'one' })
  await storage.close()
  await assert.rejects(openOn(driver, { rootKey: rootKeyOf(randomBytes(32)) }), KEY)
  assert.equal(textOf(await (await openOn(driver)).get('a')), 'one')
})

test('a storage with data and without its key ring is refused, and left as it is', async () => {
  const { below, driver, storage } = await filled({ a: 'one' })
  await storage.close()
  await driver.open()
  const ring = await recordAt(below, 'barrier/key-ring')
  await below.write([put('barrier/key-ring', undefined)])
  const before = await rawKeys(below)
  await assert.rejects(openOn(driver), CORRUPT)
  await driver.open()
  assert.deepEqual(await rawKeys(below), before)
  await below.write([{ key: 'barrier/key-ring', value: ring }])
  assert.equal(textOf(await (await openOn(driver)).get('a')), 'one')
})

test('a key ring that was put back is noticed', async () => {
  const { below, driver, storage } = await filled({ a: 'one' })
  const old = await recordAt(below, 'barrier/key-ring')
  await storage.rotate()
  await storage.write([put('b', 'two')])
  await storage.close()
  await driver.open()
  await below.write([{ key: 'barrier/key-ring', value: old }])
  await assert.rejects(openOn(driver), CORRUPT)
})

test('a key ring put back with its check opens, but not what was written in a later term', async () => {
  const { below, driver, storage } = await filled({ a: 'one' })
  const old = await Promise.all(
    ['barrier/key-ring', 'barrier/check'].map(async (key) => ({ key, value: await recordAt(below, key) })),
  )
  await storage.rotate()
  await storage.write([put('b', 'two')])
  await storage.close()
  await driver.open()
  await below.write(old)
  const again = await openOn(driver)
  assert.equal(textOf(await again.get('a')), 'one')
  await assert.rejects(again.get('b'), CORRUPT)
})

test('after a rotation old and new values are read, also after a restart', async () => {
  const { below, driver, storage } = await filled({ a: 'one' })
  assert.equal(storage.status().term, 1)
  await storage.rotate()
  await storage.write([put('b', 'two')])
  assert.equal(storage.status().term, 2)
  assert.equal((await recordAt(below, 'data/a')).readUInt32BE(1), 1)
  assert.equal((await recordAt(below, 'data/b')).readUInt32BE(1), 2)
  await storage.close()
  const again = await openOn(driver)
  assert.deepEqual([textOf(await again.get('a')), textOf(await again.get('b'))], ['one', 'two'])
  assert.equal(again.status().term, 2)
})

test('a new key comes by itself after so many writes, also across kills', async () => {
  const driver = memory()
  let storage = await openOn(driver, { rotateAfterWrites: 50 })
  for (let round = 0; round < 120; round++) await storage.write([put(`${round}`, 'x')])
  assert.ok(storage.status().term >= 2, `term ${storage.status().term}`)
  const { term } = storage.status()
  // Not closed: a killed process tells nobody how many it had written, so all that it had reserved count.
  storage = await openOn(driver, { rotateAfterWrites: 50 })
  assert.ok(storage.status().writes >= 50)
  await storage.write([put('one', 'more')])
  assert.ok(storage.status().term > term)
  for (let round = 0; round < 120; round++) assert.equal(textOf(await storage.get(`${round}`)), 'x')
})

test('what is encrypted is accounted for before it is written', async () => {
  const driver = memory()
  const storage = await openOn(driver)
  for (let round = 0; round < 3; round++) {
    await storage.write([put(`${round}`, 'x')])
    const killed = await openOn(driver)
    assert.ok(killed.status().writes >= storage.status().writes)
  }
})

test('a write waits for its account, and fails with it', async () => {
  const driver = memory()
  let fails = false
  const written: string[] = []
  const below: StorageDriver = {
    name: 'failing',
    async open() {
      return {
        get: (key) => driver.get(key),
        list: (prefix, page) => driver.list(prefix, page),
        async write(changes) {
          if (fails) throw new Error('disk full')
          written.push(...changes.map(({ key }) => key))
          await driver.write(changes)
        },
        close: () => driver.close(),
      }
    },
  }
  const storage = await openOn(below)
  fails = true
  written.length = 0
  await assert.rejects(storage.write([put('a', 'x')]), /disk full/)
  fails = false
  await storage.write([put('a', 'y')])
  assert.deepEqual(written, ['barrier/key-ring', 'barrier/check', 'data/a'])
  assert.equal(textOf(await storage.get('a')), 'y')
})

test('a failed rotation leaves the old key in force', async () => {
  const driver = memory()
  let fails = false
  const below: StorageDriver = {
    name: 'failing',
    open: async () => ({
      get: (key) => driver.get(key),
      list: (prefix, page) => driver.list(prefix, page),
      write: (changes) => (fails ? Promise.reject(new Error('disk full')) : driver.write(changes)),
      close: () => driver.close(),
    }),
  }
  const storage = await openOn(below)
  fails = true
  await assert.rejects(storage.rotate(), /disk full/)
  fails = false
  await storage.write([put('a', 'x')])
  assert.equal(storage.status().term, 1)
  await storage.rotate()
  assert.equal(storage.status().term, 2)
  assert.equal(textOf(await (await openOn(below)).get('a')), 'x')
})

test('rotations and writes at the same time lose nothing', async () => {
  const driver = memory()
  const storage = await openOn(driver, { rotateAfterWrites: 10 })
  const writes = Array.from({ length: 300 }, async (_, index) => {
    await storage.write([put(`${index}`, `${index}`)])
    if (index % 50 === 0) await storage.rotate()
  })
  await Promise.all(writes)
  for (const opened of [storage, await openOn(driver)]) {
    for (let index = 0; index < 300; index++) assert.equal(textOf(await opened.get(`${index}`)), `${index}`)
  }
})

test('after a rekey the new root key opens, and the old one does not', async () => {
  const { driver, storage } = await filled({ a: 'one' })
  const next = randomBytes(32)
  await storage.rekey(rootKeyOf(next))
  await storage.write([put('b', 'two')])
  await storage.rotate()
  await storage.close()
  await assert.rejects(openOn(driver), KEY)
  const again = await openOn(driver, { rootKey: rootKeyOf(next) })
  assert.deepEqual([textOf(await again.get('a')), textOf(await again.get('b'))], ['one', 'two'])
})

test('close waits for what is in flight', async () => {
  const { driver, storage } = await filled({})
  const writes = Array.from({ length: 20 }, (_, index) => storage.write([put(`${index}`, 'x')]))
  await storage.close()
  await Promise.all(writes)
  assert.equal((await (await openOn(driver)).list('')).length, 20)
})

test('a start that fails lets go of the driver', async (t) => {
  const folder = folderFor(t)
  const first = await openOn(lmdb(folder))
  await first.close()
  await assert.rejects(openOn(lmdb(folder), { rootKey: rootKeyOf(randomBytes(32)) }), KEY)
  await (await openOn(lmdb(folder))).close()
})

test('neither the root key nor a term shows in what can be printed', async () => {
  const { storage } = await filled({ a: 'one' })
  const source = rootKeyOf(ROOT)
  const shown = inspect([storage, source, storage.status()], { depth: Infinity, showHidden: true, getters: true })
  for (const text of [ROOT.toString('hex'), ROOT.toString('base64'), ROOT.toString('latin1')]) {
    assert.equal(shown.includes(text), false)
  }
  assert.equal(/[0-9a-f]{2}( [0-9a-f]{2}){7}/.test(shown), false, 'no buffer of key bytes')
})

test('options are checked', async () => {
  const driver = memory()
  const rootKey = rootKeyOf(ROOT)
  for (const options of [
    {},
    { driver },
    { rootKey },
    { driver, rootKey, rotateAfterWrites: 2 ** 32 },
    { driver, rootKey, rotateAfterWrites: 0 },
    { driver, rootKey, maxValueBytes: Infinity },
    { driver, rootKey, maxKeyBytes: 2000 },
    { driver, rootKey, maxkeyBytes: 100 },
  ]) {
    await assert.rejects(
      createStorage(options as StorageOptions),
      (error) => error instanceof TypeError || error instanceof RangeError,
    )
  }
})
