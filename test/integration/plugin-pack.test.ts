import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { build } from 'esbuild'
import { pluginTemplate } from 'portcullis/plugin'
import { startBaoWithPlugins } from '../support/bao-plugins.ts'
import { ROOT } from '../support/imports.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { sha256Of } from '../support/sha256.ts'

const skip = await realServersAbsent()

/** A new plugin, packed into the text of one file. */
async function packed(t: TestContext, type: 'secret' | 'auth'): Promise<string> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pack-')))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const file of pluginTemplate({ name: 'packed', type, portcullis: '*' }))
    writeFileSync(join(folder, file.path), file.text)
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/portcullis'))
  const { outputFiles, warnings } = await build({
    entryPoints: [join(folder, 'main.ts')],
    bundle: true,
    minify: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    conditions: ['portcullis-source'],
    absWorkingDir: folder,
    logLevel: 'silent',
  })
  assert.deepEqual(warnings, [])
  return outputFiles[0]?.text ?? ''
}

/** What the process whose command line has `file` holds in memory, where there is /proc. */
function residentBytes(file: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(file)) continue
      const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      if (kilobytes !== undefined) return Number(kilobytes) * 1024
    } catch {
      // It ended meanwhile.
    }
  }
  return 0
}

test('a packed plugin is one file that a server runs from an empty folder', { skip }, async (t) => {
  const text = await packed(t, 'secret')
  const { bao, folder } = await startBaoWithPlugins(t)
  const file = join(folder, 'packed')
  writeFileSync(file, `#!/usr/bin/env -S ${process.execPath} --max-semi-space-size=1 --optimize-for-size\n${text}`)
  chmodSync(file, 0o755)
  assert.deepEqual(readdirSync(folder), ['packed'])
  const sha256 = sha256Of(file)
  await bao.root('POST', 'sys/plugins/catalog/secret/packed', { sha256, command: 'packed' })
  await bao.root('POST', 'sys/mounts/packed', { type: 'packed' })
  await bao.root('POST', 'packed/roles/app', { ttl: '10m' })
  const { body } = await bao.root('GET', 'packed/creds/app')
  assert.equal(body.lease_duration, 600)
  await bao.root('POST', 'sys/leases/revoke', { lease_id: body.lease_id, sync: true })
  const reads = Array.from({ length: 16 }, async () => {
    for (let count = 0; count < 250; count += 1) await bao.root('GET', 'packed/roles/app')
  })
  await Promise.all(reads)
  const bytes = residentBytes(file)
  assert.ok(bytes > 0 && bytes < 120e6, `${bytes} bytes after 4,000 reads`)
  t.diagnostic(`${Math.round(text.length / 1024)} KiB packed, ${Math.round(bytes / 1e6)} MB resident after 4,000 reads`)
})

test('a packed plugin holds what it uses and nothing else', { skip }, async (t) => {
  const text = await packed(t, 'secret')
  const imported = [...text.matchAll(/(?:from|import)\s*"([^".][^"]*)"/g)].map(([, name]) => name)
  assert.ok(imported.length > 0)
  assert.deepEqual(
    imported.filter((name) => !name?.startsWith('node:')),
    [],
  )
  assert.ok(text.length < 256 * 1024, `${text.length} bytes`)
})
