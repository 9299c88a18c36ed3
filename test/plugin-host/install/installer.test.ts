import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPlugins } from '../../../lib/plugin-host/process/create-plugins.ts'
import { goPlugin, KV_PLUGIN } from '../../support/go-plugins.ts'
import { entryOf } from '../process/plugins-for-test.ts'
import { place, scriptPlugin, writePlugin } from './place.ts'

const YES = { trust: () => true }
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')

test('the Go kv plugin is installed from its file: pinned, whole, executable, and nothing else is left', async (t) => {
  const { installer, folder, files, lock } = place(t)
  const kv = await goPlugin(t, KV_PLUGIN)
  cpSync(kv, join(folder, 'kv'))
  const installed = await installer.install(join(folder, 'kv'), YES)
  const hash = sha256(readFileSync(kv))
  assert.equal(installed.sha256, hash)
  assert.equal(installed.type, 'secret')
  assert.equal(sha256(readFileSync(installed.path)), hash)
  assert.equal(statSync(installed.path).mode & 0o777, 0o555)
  assert.deepEqual(files(), ['kv', `kv/${hash}`, `kv/${hash}/kv`])
  const { plugins } = JSON.parse(lock())
  assert.deepEqual(plugins, [{ name: 'kv', type: 'secret', version: '', source: './kv', sha256: hash }])
})

test('what a plugin asks for is shown before it is trusted, and without trust nothing is kept', async (t) => {
  const { installer, folder, files, lock } = place(t)
  writePlugin(folder)
  let asked: readonly string[] = []
  const refused = installer.install(join(folder, 'greeter'), {
    trust: ({ plugin, inspection }) => {
      asked = [
        `${plugin.name} ${plugin.version} ${plugin.type}`,
        ...(inspection.specialPaths?.unauthenticated ?? []),
        ...(inspection.specialPaths?.root ?? []),
        ...inspection.paths.map(({ path }) => path),
      ]
      assert.equal(lock(), '')
      return false
    },
  })
  await assert.rejects(refused, { code: 'ERR_PORTCULLIS_PLUGIN_UNTRUSTED' })
  assert.deepEqual(asked.slice(0, 3), ['greeter v1.2.3 secret', 'open', 'admin/keys'])
  assert.equal(asked.length, 6, asked.join())
  assert.deepEqual(files(), [])
  assert.equal(lock(), '')
})

test('what is truthy and not true is no trust', async (t) => {
  const { installer, folder, files } = place(t)
  writePlugin(folder)
  const trust = (() => 'yes') as unknown as () => boolean
  await assert.rejects(installer.install(join(folder, 'greeter'), { trust }), {
    code: 'ERR_PORTCULLIS_PLUGIN_UNTRUSTED',
  })
  assert.deepEqual(files(), [])
})

test('two versions stay side by side, the same version is replaced, and what nobody has any more is removed', async (t) => {
  const { installer, folder, files } = place(t)
  const path = join(folder, 'greeter')
  writePlugin(folder, 'greeter', scriptPlugin('v1.0.0'))
  const first = await installer.install(path, YES)
  writePlugin(folder, 'greeter', scriptPlugin('v1.1.0'))
  await installer.install(path, YES)
  writePlugin(folder, 'greeter', `${scriptPlugin('v1.1.0')}// mended\n`)
  const last = await installer.install(path, YES)
  assert.deepEqual(
    (await installer.list()).map(({ version }) => version),
    ['v1.0.0', 'v1.1.0'],
  )
  assert.deepEqual(
    files().filter((name) => name.endsWith('/greeter')),
    [first, last].map(({ sha256: hash }) => `greeter/${hash}/greeter`).sort(),
  )
  assert.deepEqual(
    (await installer.remove('greeter', '1.0.0')).map(({ version }) => version),
    ['v1.0.0'],
  )
  assert.deepEqual(
    files().filter((name) => name.endsWith('/greeter')),
    [`greeter/${last.sha256}/greeter`],
  )
  await installer.remove('greeter')
  assert.deepEqual(files(), [])
  await assert.rejects(installer.remove('greeter'), { code: 'ERR_PORTCULLIS_PLUGIN_LOCK', message: /it is empty/ })
})

test('the lock restores exactly what it says; another file is refused and not kept', async (t) => {
  const { installer, folder, store, files, lock } = place(t)
  const path = writePlugin(folder)
  const { sha256: hash } = await installer.install(path, YES)
  const before = lock()
  rmSync(store, { recursive: true })
  await installer.restore()
  assert.deepEqual(files(), ['greeter', `greeter/${hash}`, `greeter/${hash}/greeter`])
  rmSync(store, { recursive: true })
  writePlugin(folder, 'greeter', `${scriptPlugin()}// evil\n`)
  await assert.rejects(installer.restore(), { code: 'ERR_PORTCULLIS_PLUGIN_LOCK', message: /nothing of it was kept/ })
  assert.deepEqual(files(), [])
  assert.equal(lock(), before)
})

test('a tampered file fails verify, and a host does not run it', async (t) => {
  const { installer, folder } = place(t)
  const installed = await installer.install(writePlugin(folder), YES)
  assert.deepEqual(
    (await installer.verify()).map(({ state }) => state),
    ['ok'],
  )
  chmodSync(installed.path, 0o755)
  writeFileSync(installed.path, `${scriptPlugin()}// evil\n`)
  assert.deepEqual(
    (await installer.verify()).map(({ state }) => state),
    ['changed'],
  )
  const plugins = createPlugins({ folder: join(folder, 'host') })
  t.after(() => plugins.close())
  const entry = entryOf(installed.path, { name: 'greeter', sha256: installed.sha256 })
  await assert.rejects(plugins.inspect(entry), { code: 'ERR_PORTCULLIS_PLUGIN_HASH' })
  rmSync(installed.path, { force: true })
  symlinkSync(join(folder, 'greeter'), installed.path)
  assert.deepEqual(
    (await installer.verify()).map(({ state }) => state),
    ['changed'],
  )
  rmSync(installed.path, { force: true })
  assert.deepEqual(
    (await installer.verify()).map(({ state }) => state),
    ['missing'],
  )
  await installer.restore()
  assert.deepEqual(
    (await installer.verify()).map(({ state }) => state),
    ['ok'],
  )
})

test('leftovers of a dead install go with the next one, files of others stay', async (t) => {
  const { installer, folder, store, files } = place(t)
  mkdirSync(join(store, '.stage-dead', 'x'), { recursive: true })
  mkdirSync(join(store, 'greeter', 'f'.repeat(64)), { recursive: true })
  writeFileSync(join(store, 'notes.txt'), 'mine')
  const { sha256: hash } = await installer.install(writePlugin(folder), YES)
  assert.deepEqual(files(), ['greeter', `greeter/${hash}`, `greeter/${hash}/greeter`, 'notes.txt'])
})

test('one install at a time: the other is told so', async (t) => {
  const { installer, folder } = place(t)
  const path = writePlugin(folder)
  let second: unknown
  await installer.install(path, {
    trust: async () => {
      second = await installer.install(path, YES).catch((error: unknown) => error)
      return true
    },
  })
  assert.match(String(second), /another install is under way/)
})

test('an install that is ended by its signal keeps nothing', async (t) => {
  const { installer, folder, files, lock } = place(t)
  const controller = new AbortController()
  const ended = installer.install(writePlugin(folder), {
    signal: controller.signal,
    trust: () => {
      controller.abort()
      return true
    },
  })
  await assert.rejects(ended, { name: 'AbortError' })
  assert.deepEqual(files(), [])
  assert.equal(lock(), '')
})

test('outdated sees a file that has changed since', async (t) => {
  const { installer, folder } = place(t)
  await installer.install(writePlugin(folder), YES)
  assert.deepEqual(
    (await installer.outdated()).map(({ state }) => state),
    ['current'],
  )
  writePlugin(folder, 'greeter', `${scriptPlugin()}// new\n`)
  assert.deepEqual(
    (await installer.outdated()).map(({ state }) => state),
    ['outdated'],
  )
})

const REFUSED: readonly (readonly [what: string, make: (folder: string) => string, message: RegExp])[] = [
  ['an absent file', (folder) => join(folder, 'none'), /there is no such file/],
  ['a folder', (folder) => folder, /it is no regular file/],
  [
    'a link',
    (folder) => {
      symlinkSync(writePlugin(folder), join(folder, 'link'))
      return join(folder, 'link')
    },
    /it is a symbolic link/,
  ],
  ['no program', (folder) => writePlugin(folder, 'text', 'just text\n'), /^plugin text: /],
  [
    'one that prints garbage',
    (folder) => writePlugin(folder, 'noise', '#!/bin/sh\nhead -c 100000 /dev/urandom\n'),
    /^plugin noise: /,
  ],
]

for (const [what, make, message] of REFUSED) {
  test(`${what} is refused and leaves nothing`, async (t) => {
    const { installer, folder, files, lock } = place(t)
    await assert.rejects(installer.install(make(folder), YES), { name: 'PluginError', message })
    assert.deepEqual(files(), [])
    assert.equal(lock(), '')
  })
}
