import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Random } from '../../lib/ports/random.ts'
import { readOrCreateKey } from '../../lib/system/key-file.ts'
import { systemRandom } from '../../lib/system/random.ts'
import { folderFor } from './folder.ts'

test('a key is made with 32 random bytes and mode 0600, and read back', async (t) => {
  const path = join(await folderFor(t), 'key')
  const made = await readOrCreateKey(path, systemRandom)
  assert.equal(made.length, 32)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(new Uint8Array(await readFile(path)), made)
  assert.deepEqual(new Uint8Array(await readOrCreateKey(path, systemRandom)), made)
})

test('nothing but the key is left in the folder', async (t) => {
  const folder = await folderFor(t)
  await readOrCreateKey(join(folder, 'key'), systemRandom)
  assert.deepEqual(await readdir(folder), ['key'])
})

test('many that start together get the same key', async (t) => {
  const folder = await folderFor(t)
  const path = join(folder, 'key')
  const keys = await Promise.all(Array.from({ length: 50 }, () => readOrCreateKey(path, systemRandom)))
  assert.equal(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size, 1)
  assert.deepEqual(await readdir(folder), ['key'])
})

test('a file that another process makes between the look and the link wins', async (t) => {
  const path = join(await folderFor(t), 'key')
  const theirs = new Uint8Array(32).fill(7)
  const random: Random = {
    ...systemRandom,
    bytes(length): Uint8Array {
      writeFileSync(path, theirs, { mode: 0o600 })
      return systemRandom.bytes(length)
    },
  }
  assert.deepEqual(new Uint8Array(await readOrCreateKey(path, random)), theirs)
  assert.deepEqual(new Uint8Array(await readFile(path)), theirs)
})

for (const mode of [0o640, 0o604, 0o620, 0o602, 0o644]) {
  test(`a key that others may use, by mode ${mode.toString(8)}, is refused`, async (t) => {
    const path = join(await folderFor(t), 'key')
    await writeFile(path, new Uint8Array(32))
    await chmod(path, mode)
    await assert.rejects(readOrCreateKey(path, systemRandom), { name: 'RangeError', message: /set its mode to 0600/ })
  })
}

for (const size of [0, 15, 1025]) {
  test(`a key of ${size} bytes is refused`, async (t) => {
    const path = join(await folderFor(t), 'key')
    await writeFile(path, new Uint8Array(size), { mode: 0o600 })
    const message = new RegExp(`must hold 16 to 1024 bytes, has ${size}`)
    await assert.rejects(readOrCreateKey(path, systemRandom), { name: 'RangeError', message })
  })
}

test('a key of 16 and of 1024 bytes is taken', async (t) => {
  const folder = await folderFor(t)
  for (const size of [16, 1024]) {
    const path = join(folder, String(size))
    await writeFile(path, new Uint8Array(size), { mode: 0o600 })
    assert.equal((await readOrCreateKey(path, systemRandom)).length, size)
  }
})

test('a folder that is missing is told by its path and its code', async (t) => {
  const path = join(await folderFor(t), 'missing', 'key')
  await assert.rejects(readOrCreateKey(path, systemRandom), (error: Error & { code: string; phase: string }) => {
    assert.equal(error.code, 'ERR_PORTCULLIS_AUDIT_UNUSABLE')
    assert.equal(error.phase, 'start')
    assert.ok(error.message.startsWith(`audit.keyFile ${path} can be neither read nor made: ENOENT`), error.message)
    return true
  })
})

test('a folder in place of the key is refused', async (t) => {
  const path = join(await folderFor(t), 'key')
  await mkdir(path, { mode: 0o700 })
  await assert.rejects(readOrCreateKey(path, systemRandom), { name: 'RangeError', message: /must be a file/ })
})

test('a FIFO that nobody fills does not hold the start', async (t) => {
  const path = join(await folderFor(t), 'key')
  await promisify(execFile)('mkfifo', ['-m', '600', path])
  await assert.rejects(readOrCreateKey(path, systemRandom), { name: 'RangeError', message: /must be a file/ })
})

test('an error never holds the key', async (t) => {
  const path = join(await folderFor(t), 'key')
  await writeFile(path, 'short-secret', { mode: 0o600 })
  await assert.rejects(readOrCreateKey(path, systemRandom), (error: Error) => {
    assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes('short-secret'))
    return true
  })
})
