import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { DRIVER_LIMITS } from '../../../lib/plugin-host/storage/key.ts'
import { lmdb } from '../../../lib/plugin-host/storage/lmdb.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { put, suite, textOf } from './suite.ts'

const MODULE = new URL('../../../lib/plugin-host/storage/lmdb.ts', import.meta.url).href
const SOURCE = ['-C', 'portcullis-source', '--input-type=module']

function folderFor(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'portcullis-lmdb-'))
  t.after(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'storage.d')
}

async function opened(t: TestContext, folder: string): Promise<Store> {
  const store = await lmdb(folder).open()
  t.after(() => store.close())
  return store
}

suite(
  'lmdb',
  async (t) => {
    const folder = folderFor(t)
    return { store: await opened(t, folder), reopen: () => opened(t, folder) }
  },
  { ...DRIVER_LIMITS, runs: 60 },
)

test('the folder is made for its owner alone, folders above it too', async (t) => {
  const folder = join(folderFor(t), 'deeper', 'still')
  await opened(t, folder)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.equal(statSync(join(folder, '..')).mode & 0o777, 0o700)
})

test('a folder that others may enter is refused', async (t) => {
  const folder = folderFor(t)
  mkdirSync(folder)
  chmodSync(folder, 0o750)
  await assert.rejects(lmdb(folder).open(), { code: 'ERR_PORTCULLIS_STORAGE_FAILED', temporary: false })
  chmodSync(folder, 0o700)
  await opened(t, folder)
})

test('a file in place of the folder is an error of ours', async (t) => {
  const folder = folderFor(t)
  writeFileSync(folder, '')
  await assert.rejects(lmdb(folder).open(), { code: 'ERR_PORTCULLIS_STORAGE_FAILED' })
})

test('a folder is open once in a process, and free again when it is closed', async (t) => {
  const folder = folderFor(t)
  const first = await opened(t, folder)
  await first.write([put('a', 'x')])
  await assert.rejects(lmdb(folder).open(), { code: 'ERR_PORTCULLIS_STORAGE_LOCKED', temporary: true })
  await first.write([put('a', 'y')])
  await first.close()
  assert.equal(textOf(await (await opened(t, folder)).get('a')), 'y')
})

test('a folder is open in one process alone', async (t) => {
  const folder = folderFor(t)
  const store = await opened(t, folder)
  const script = `
    const { lmdb } = await import(${JSON.stringify(MODULE)})
    const code = await lmdb(${JSON.stringify(folder)}).open().then(() => 'open', (error) => error.code)
    process.stdout.write(code)
    process.exit()`
  const run = async (): Promise<string> => {
    const args = [...SOURCE, '-e', script]
    return (await promisify(execFile)(process.execPath, args)).stdout
  }
  assert.equal(await run(), 'ERR_PORTCULLIS_STORAGE_LOCKED')
  await store.close()
  assert.equal(await run(), 'open')
})

test('a file that LMDB did not write is damage, not an empty storage', async (t) => {
  const folder = folderFor(t)
  mkdirSync(folder, { mode: 0o700 })
  for (const size of [1, 100, 4096, 65_536]) {
    writeFileSync(join(folder, 'data.mdb'), 'x'.repeat(size))
    await assert.rejects(lmdb(folder).open(), { code: 'ERR_PORTCULLIS_STORAGE_CORRUPT' })
  }
})

test('a file cut short is damage: no value is wrong, and the process lives', async (t) => {
  const folder = folderFor(t)
  const store = await opened(t, folder)
  const values = new Map(Array.from({ length: 200 }, (_, index) => [`k/${index}`, `${index}`.repeat(500)]))
  await store.write([...values].map(([key, value]) => put(key, value)))
  await store.close()
  const file = join(folder, 'data.mdb')
  const whole = readFileSync(file)
  let refusals = 0
  for (let size = whole.length - 4096; size > 0; size -= 12_288 + 700) {
    writeFileSync(file, whole.subarray(0, size))
    try {
      const cut = await lmdb(folder).open()
      for (const [key, value] of values) {
        const got = textOf(await cut.get(key).catch(() => undefined))
        if (got !== value) refusals += 1
        // A large value has pages of its own, of which LMDB keeps no sum: the barrier does.
        assert.ok(got === undefined || got === value || got.includes('\0'), key)
      }
      await cut.close()
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'ERR_PORTCULLIS_STORAGE_CORRUPT')
      refusals += 1
    }
  }
  assert.ok(refusals > 0)
})

test('a disk that takes no more is an error of ours; what was acknowledged is there, and the process lives', async (t) => {
  const folder = folderFor(t)
  const script = `
    const { lmdb } = await import(${JSON.stringify(MODULE)})
    const store = await lmdb(${JSON.stringify(folder)}).open()
    const failures = []
    let count = 0
    for (let index = 0; failures.length < 3; index++) {
      const write = store.write([{ key: 'k/' + index, value: Buffer.alloc(20_000, index) }])
      await write.then(() => { count += 1 }, (error) => failures.push(error.code))
    }
    const names = await store.list('k/')
    await store.close()
    process.stdout.write(JSON.stringify({ count, names: names.length, failures }))`
  // No file of the process may grow beyond 1 MB (2000 blocks).
  const args = ['-c', 'ulimit -f 2000; exec "$0" "$@"', process.execPath, ...SOURCE, '-e', script]
  const { count, names, failures } = JSON.parse((await promisify(execFile)('sh', args)).stdout)
  assert.ok(count > 10)
  assert.equal(names, count)
  assert.deepEqual(failures, Array(3).fill('ERR_PORTCULLIS_STORAGE_FAILED'))
  const store = await opened(t, folder)
  for (let index = 0; index < count; index++) {
    assert.deepEqual(await store.get(`k/${index}`), Buffer.alloc(20_000, index))
  }
  assert.equal((await store.list('k/')).length, count)
})

test('lmdb takes the path of a folder', () => {
  for (const folder of ['', undefined, 4]) assert.throws(() => lmdb(folder as string), TypeError)
})
