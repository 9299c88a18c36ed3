import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { CatalogEntry } from '../../../lib/plugin-host/process/plugins.ts'
import { entryOf } from './plugins-for-test.ts'

/** The hostile plugin itself. */
export const SOURCE: string = fileURLToPath(new URL('hostile/hostile.mjs', import.meta.url))

/** An entry that runs the hostile plugin in `mode`: one small file whose hash is registered. */
export function hostile(t: TestContext, mode = 'good', detail = '', more: Partial<CatalogEntry> = {}): CatalogEntry {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'hostile-plugin')
  writeFileSync(path, scriptOf(SOURCE), { mode: 0o755 })
  return entryOf(path, { args: [mode, detail], ...more })
}

/** One file, as a plugin has to be, that starts `source`. */
function scriptOf(source: string): string {
  return `#!/usr/bin/env -S ${process.execPath} --disable-warning=ExperimentalWarning -C portcullis-source\nimport(${JSON.stringify(source)})\n`
}
