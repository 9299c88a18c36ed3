import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

let built: Promise<void> | undefined

/** The package as its users run it, in `dist/`, once: stripping types at run time takes memory and time that they do not pay. */
export function buildPackage(): Promise<void> {
  built ??= build()
  return built
}

async function build(): Promise<void> {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(dirname(manifest), 'bin/tsc')
  const flags = ['--declaration', 'false', '--isolatedDeclarations', 'false', '--removeComments']
  await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...flags], { cwd: ROOT })
}

/** What `portcullis` exports, out of `dist/`. */
export function builtGateway(): Promise<typeof import('../../lib/index.ts')> {
  return import(builtFile('lib/index.js'))
}

/** What `portcullis/plugin-host` exports, out of `dist/`. */
export function builtPluginHost(): Promise<typeof import('../../lib/plugin-host/index.ts')> {
  return import(builtFile('lib/plugin-host/index.js'))
}

function builtFile(path: string): string {
  return new URL(`../../dist/${path}`, import.meta.url).href
}
