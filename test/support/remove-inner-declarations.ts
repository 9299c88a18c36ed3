import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

// The last step of the script `build`: declarations that no entry of the package leads to are dead weight in it, and are what
// an editor would offer to import.

const ROOT = join(import.meta.dirname, '../..')
const { outDir = 'dist' } = parseArgs({ options: { outDir: { type: 'string' } } }).values
const DIST = resolve(ROOT, outDir)

/** Files that declarations import, wherever TypeScript writes it. */
const IMPORT = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g

const entries = Object.values(manifest().exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.types]))
const reached = new Set<string>()
for (const entry of entries) reach(join(DIST, entry.replace(/^\.\/dist\//, '')))
for (const name of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
  const path = join(DIST, name)
  if (name.endsWith('.d.ts') && !reached.has(path)) rmSync(path)
}

function reach(path: string): void {
  if (reached.has(path)) return
  reached.add(path)
  for (const [, target = ''] of readFileSync(path, 'utf8').matchAll(IMPORT))
    reach(join(dirname(path), target.replace(/\.[jt]s$/, '.d.ts')))
}

function manifest(): { readonly exports: Readonly<Record<string, string | { readonly types: string }>> } {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
}
