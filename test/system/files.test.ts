import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemFiles } from '../../lib/system/files.ts'
import { folderFor } from './folder.ts'

const MIB = 1024 * 1024

test('a file is read as UTF-8, whole', async (t) => {
  const path = join(await folderFor(t), 'a')
  const text = 'pässwörd 💥\n'.repeat(10_000)
  await writeFile(path, text)
  assert.equal(await systemFiles.readText(path), text)
})

test('an empty file is empty text', async (t) => {
  const path = join(await folderFor(t), 'a')
  await writeFile(path, '')
  assert.equal(await systemFiles.readText(path), '')
})

test('a file of 1 MiB is read, one byte more is refused', async (t) => {
  const path = join(await folderFor(t), 'a')
  await writeFile(path, 'x'.repeat(MIB))
  assert.equal((await systemFiles.readText(path)).length, MIB)
  await writeFile(path, 'x'.repeat(MIB + 1))
  await assert.rejects(systemFiles.readText(path), {
    name: 'RangeError',
    message: `${path} is larger than ${MIB} bytes`,
  })
})

test('a file without end is refused, not read until memory ends', async () => {
  await assert.rejects(systemFiles.readText('/dev/zero'), { name: 'RangeError' })
})

test("what cannot be read rejects with the system's code", async (t) => {
  const folder = await folderFor(t)
  await assert.rejects(systemFiles.readText(join(folder, 'missing')), { code: 'ENOENT' })
  await assert.rejects(systemFiles.readText(folder), { code: 'EISDIR' })
  await assert.rejects(systemFiles.list(join(folder, 'missing'), '.json'), { code: 'ENOENT' })
})

test('files with the ending are listed by name, sorted; folders and other endings are not', async (t) => {
  const folder = await folderFor(t)
  for (const name of ['b.json', 'a.json', 'c.txt', 'json']) await writeFile(join(folder, name), '')
  await mkdir(join(folder, 'folder.json'))
  assert.deepEqual(await systemFiles.list(folder, '.json'), ['a.json', 'b.json'])
})

test('links to files are listed, as a ConfigMap mounts them; links to folders are not', async (t) => {
  const folder = await folderFor(t)
  await mkdir(join(folder, '..data'))
  await writeFile(join(folder, '..data', 'a.json'), '{}')
  await symlink(join('..data', 'a.json'), join(folder, 'a.json'))
  await symlink('..data', join(folder, 'b.json'))
  assert.deepEqual(await systemFiles.list(folder, '.json'), ['a.json'])
  assert.equal(await systemFiles.readText(join(folder, 'a.json')), '{}')
})

test('a link to nothing fails the list: a policy must not go missing in silence', async (t) => {
  const folder = await folderFor(t)
  await symlink('missing', join(folder, 'a.json'))
  await assert.rejects(systemFiles.list(folder, '.json'), { code: 'ENOENT' })
})
