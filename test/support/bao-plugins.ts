import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { type Bao, startBao } from './bao.ts'
import { ROOT } from './imports.ts'
import { sha256Of } from './sha256.ts'

/** An OpenBao with a plugin directory. */
export interface BaoWithPlugins {
  readonly bao: Bao
  readonly folder: string
  /**
   * Registers the plugin that `source` serves (absolute, or below the checkout): a script that begins with the path of this Node, as a
   * server starts it.
   */
  register(type: 'secret' | 'auth' | 'database', name: string, source: string, started?: Started): Promise<string>
}

/** What the catalog starts a plugin with. */
export interface Started {
  readonly env?: readonly string[]
  readonly args?: readonly string[]
}

/** Starts one for the time of `t`. */
export async function startBaoWithPlugins(t: TestContext): Promise<BaoWithPlugins> {
  // The server refuses a directory that is a link.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bao-plugins-')))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const bao = await startBao(t, { config: `plugin_directory = ${JSON.stringify(folder)}` })
  return {
    bao,
    folder,
    async register(type, name, source, started = {}) {
      const file = join(folder, name)
      const head = `#!/usr/bin/env -S ${process.execPath} --conditions=portcullis-source`
      writeFileSync(file, `${head}\nimport(${JSON.stringify(resolve(ROOT, source))})\n`)
      chmodSync(file, 0o755)
      const sha256 = sha256Of(file)
      await bao.root('POST', `sys/plugins/catalog/${type}/${name}`, { sha256, command: name, ...started })
      return file
    },
  }
}
