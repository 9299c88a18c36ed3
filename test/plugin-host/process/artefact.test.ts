import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { keepArtefact } from '../../../lib/plugin-host/process/artefact.ts'
import { systemRandom } from '../../../lib/system/random.ts'

const GOOD = '#!/bin/sh\necho good\n'
const EVIL = '#!/bin/sh\necho evil\n'
const SHA256 = createHash('sha256').update(GOOD).digest('hex')
const HASH = { code: 'ERR_PORTCULLIS_PLUGIN_HASH' }

function place(t: TestContext): {
  readonly path: string
  readonly folder: string
  readonly keep: () => Promise<string>
} {
  const root = mkdtempSync(join(tmpdir(), 'artefact-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const path = join(root, 'plugin.sh')
  const folder = join(root, 'artefacts')
  writeFileSync(path, GOOD, { mode: 0o755 })
  return { path, folder, keep: () => keepArtefact({ plugin: 'p', path, sha256: SHA256 }, folder, systemRandom) }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  )
}

test('the file is copied under its hash, in a folder that nobody else enters, and cannot be written', async (t) => {
  const { folder, keep } = place(t)
  const copy = await keep()
  assert.equal(copy, join(folder, SHA256, 'plugin.sh'))
  assert.equal(readFileSync(copy, 'utf8'), GOOD)
  assert.equal(statSync(copy).mode & 0o777, 0o500)
  assert.equal(statSync(join(folder, SHA256)).mode & 0o777, 0o700)
})

test('a file with another hash is refused and leaves no copy', async (t) => {
  const { path, folder, keep } = place(t)
  writeFileSync(path, EVIL)
  await assert.rejects(keep(), HASH)
  assert.deepEqual(filesIn(folder), [])
})

test('what the file becomes after it was copied is not what runs', async (t) => {
  const { path, keep } = place(t)
  const copy = await keep()
  writeFileSync(path, EVIL)
  assert.equal(readFileSync(copy, 'utf8'), GOOD)
})

test('a file that was changed since is refused at the next start, copy or not', async (t) => {
  const { path, keep } = place(t)
  await keep()
  writeFileSync(path, EVIL)
  await assert.rejects(keep(), HASH)
})

test('a copy that was overwritten in place is made anew', async (t) => {
  const { keep } = place(t)
  const copy = await keep()
  chmodSync(copy, 0o700)
  writeFileSync(copy, EVIL)
  chmodSync(copy, 0o500)
  assert.equal(readFileSync(await keep(), 'utf8'), GOOD)
})

test('a copy that was swapped for a link is made anew', async (t) => {
  const { path, keep } = place(t)
  const copy = await keep()
  rmSync(copy)
  symlinkSync(path, copy)
  assert.ok(!statSync(await keep()).isSymbolicLink())
  assert.equal(statSync(copy).mode & 0o777, 0o500)
})

test('a copy that others may write is made anew', async (t) => {
  const { keep } = place(t)
  const copy = await keep()
  chmodSync(copy, 0o777)
  assert.equal(statSync(await keep()).mode & 0o777, 0o500)
})

test('a symbolic link, a folder and a device are no plugin', async (t) => {
  const { path, folder } = place(t)
  symlinkSync(path, `${path}.link`)
  for (const other of [`${path}.link`, folder, '/dev/zero']) {
    if (other === folder) await place(t).keep()
    const source = { plugin: 'p', path: other === folder ? tmpdir() : other, sha256: SHA256 }
    await assert.rejects(keepArtefact(source, folder, systemRandom), HASH)
  }
  assert.ok(!existsSync(join(folder, SHA256, 'plugin.sh.link')))
})

test('a file that is not there is no tampering', async (t) => {
  const { path, keep } = place(t)
  rmSync(path)
  await assert.rejects(keep(), { code: 'ERR_PORTCULLIS_PLUGIN_START' })
})

test('starts at the same time share the copy', async (t) => {
  const { folder, keep } = place(t)
  assert.equal(new Set(await Promise.all(Array.from({ length: 8 }, keep))).size, 1)
  assert.deepEqual(filesIn(folder), [join(SHA256, 'plugin.sh')])
})
