import { createHash } from 'node:crypto'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { PluginSpec } from 'portcullis/plugin-host'

/** Packs the plugin beside this into the one file `command`, as its hash has to cover all of it. */
export async function packTickets(command: string): Promise<PluginSpec> {
  await build({
    entryPoints: [join(import.meta.dirname, 'tickets.ts')],
    outfile: command,
    banner: { js: `#!${process.execPath} --max-semi-space-size=1` },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    conditions: ['portcullis-source'],
    logLevel: 'error',
  })
  chmodSync(command, 0o755)
  const sha256 = createHash('sha256').update(readFileSync(command)).digest('hex')
  return { name: 'tickets', type: 'secret', command, sha256 }
}
