import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Esbuild from 'esbuild'
import { CommandError, UsageError } from '../exit.ts'
import { createScreen } from '../screen.ts'

export interface PackOptions {
  readonly out?: string
  readonly condition?: readonly string[]
  readonly check: boolean
  readonly json?: boolean
}

/** CommonJS packages ask for Node's own modules by `require`, which an ES module has not. */
const HEAD = `#!/usr/bin/env node
import { createRequire as portcullisRequire } from 'node:module'
const require = portcullisRequire(import.meta.url)`

/** Makes the one file to register. The same sources give the same bytes, wherever they lie. */
export async function pack(entry: string, options: PackOptions, signal: AbortSignal): Promise<void> {
  const screen = createScreen(options)
  if (!existsSync(entry)) throw new UsageError(`there is no ${entry}: name the file that serves the plugin`)
  const out = resolve(options.out ?? join('dist', await projectName(entry)))
  const text = await bundled(await loadEsbuild(), entry, options.condition ?? [])
  signal.throwIfAborted()
  await mkdir(dirname(out), { recursive: true })
  const draft = `${out}.draft`
  await writeFile(draft, text)
  await chmod(draft, 0o755)
  await rename(draft, out)
  const sha256 = createHash('sha256').update(text).digest('hex')
  const facts = { file: out, bytes: text.length, sha256, ...(options.check ? await looked(out, signal) : {}) }
  screen.result(facts, [
    `packed ${out} (${Math.ceil(text.length / 1024)} KiB)`,
    `sha256 ${sha256}`,
    'register it:',
    `  portcullis plugin register ${basename(out)} --type ${facts.type ?? 'secret'} --sha256 ${sha256} --command ${basename(out)}`,
  ])
}

async function projectName(entry: string): Promise<string> {
  const text = await readFile('package.json', 'utf8').catch(() => '{}')
  const { name } = JSON.parse(text) as { readonly name?: unknown }
  return typeof name === 'string' ? basename(name) : basename(entry).replace(/\.[^.]+$/, '')
}

/** The project's own, since it is a tool of the author's and not of those who run plugins. */
async function loadEsbuild(): Promise<typeof Esbuild> {
  let path: string
  try {
    path = createRequire(join(process.cwd(), 'package.json')).resolve('esbuild')
  } catch {
    const message = 'the package esbuild is needed for this and not installed here: npm install --save-dev esbuild'
    throw new CommandError(message, 'ERR_PACKAGE_MISSING')
  }
  const loaded = (await import(pathToFileURL(path).href)) as { readonly default: typeof Esbuild }
  return loaded.default
}

async function bundled(esbuild: typeof Esbuild, entry: string, conditions: readonly string[]): Promise<Uint8Array> {
  try {
    const { outputFiles } = await esbuild.build({
      ...{ entryPoints: [resolve(entry)], absWorkingDir: process.cwd(), bundle: true, write: false },
      ...{ platform: 'node', format: 'esm', target: 'node22', charset: 'utf8', logLevel: 'silent' },
      // Without the paths of modules, which depend on where the packages lie; names of functions stay.
      ...{ minify: true, keepNames: true, legalComments: 'eof' },
      // Parts that are loaded where they are installed, and never by a plugin.
      external: ['@opentelemetry/*', 'lmdb', 'pg-native'],
      conditions: [...conditions, 'module'],
      banner: { js: HEAD },
    })
    const [file] = outputFiles
    if (file === undefined) throw new CommandError('esbuild gave no file', 'ERR_PACK_FAILED')
    return file.contents
  } catch (error) {
    const [first] = (error as Partial<Esbuild.BuildFailure>).errors ?? []
    if (first === undefined) throw error
    const place = first.location === null ? '' : `${first.location.file}:${first.location.line}: `
    throw new CommandError(`${place}${first.text}`, 'ERR_PACK_FAILED')
  }
}

/** Started once, so that a file which is no plugin is seen now. */
async function looked(file: string, signal: AbortSignal): Promise<{ readonly type: string; readonly version: string }> {
  const { inspectFile } = await import('portcullis/plugin-host')
  const { type, version } = await inspectFile(file, { signal })
  return { type, version }
}
