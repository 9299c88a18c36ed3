import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Bao, startBao } from '../../support/bao.ts'

/** What is registered: the file that serves it, beside this one. */
export interface Served {
  readonly name: string
  readonly type: 'secret' | 'database'
  readonly file: string
}

/** An OpenBao with `plugin` in its catalog, run from a script in its plugin directory. */
export async function startBaoWith(t: TestContext, plugin: Served): Promise<Bao> {
  const folder = mkdtempSync(join(tmpdir(), 'bao-plugins-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = fileURLToPath(new URL(plugin.file, import.meta.url))
  const script = `#!/bin/sh\nexec '${process.execPath}' -C portcullis-source '${file}'\n`
  writeFileSync(join(folder, plugin.name), script)
  chmodSync(join(folder, plugin.name), 0o755)
  const bao = await startBao(t, { config: `plugin_directory = "${folder}"` })
  const sha256 = createHash('sha256').update(script).digest('hex')
  await bao.root('PUT', `sys/plugins/catalog/${plugin.type}/${plugin.name}`, { sha256, command: plugin.name })
  return bao
}
