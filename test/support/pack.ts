import { execFile, type PromiseWithChild } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The package as npm would publish it. */
export interface Packed {
  readonly tarball: string
  /** Size of the tarball. */
  readonly bytes: number
  /** Size of what is in it. */
  readonly unpackedBytes: number
  /** Paths in it, below the package's root. */
  readonly files: readonly string[]
}

/** Where the checkout is. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** What a child process printed. @throws with all it printed in the message, when it fails or lasts a minute. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const child: PromiseWithChild<{ stdout: string }> = promisify(execFile)(command, args, { cwd, timeout: 60_000 })
    return (await child).stdout
  } catch (error) {
    const { stdout = '', stderr = '', code, signal } = error as Record<string, string | undefined>
    throw new Error(`${command} ${args.join(' ')}: ${code ?? signal}\n${stdout}${stderr}`)
  }
}

/** File of the command `name` that the development dependency `dependency` brings, to be run by Node. */
export function commandOf(dependency: string, name: string): string {
  const manifest = join(ROOT, 'node_modules', dependency, 'package.json')
  const { bin } = createRequire(import.meta.url)(manifest)
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[name])
}

/** An empty folder outside the checkout, so that nothing in it resolves to the checkout's own node_modules. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `portcullis-${name}-`))
}

/** Builds and packs the checkout into `folder`; the checkout's own `dist/` is left alone. */
export async function pack(folder: string): Promise<Packed> {
  const stage = join(folder, 'package')
  mkdirSync(stage)
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: readonly string[] }
  for (const name of [...files, 'package.json', 'README.md', 'LICENSE']) {
    const from = join(ROOT, name)
    if (name !== 'dist' && existsSync(from)) cpSync(from, join(stage, name), { recursive: true })
  }
  await build(join(stage, 'dist'))
  const said = await run('npm', ['pack', '--json', '--pack-destination', folder], stage)
  // A list, or from npm 12 on an object by name.
  const [packed] = Object.values(JSON.parse(said) as Record<string, NpmPacked>)
  if (packed === undefined) throw new Error(`npm pack gave nothing: ${said}`)
  rmSync(stage, { recursive: true })
  const { filename, size, unpackedSize, files: inside } = packed
  return {
    tarball: join(folder, filename),
    bytes: size,
    unpackedBytes: unpackedSize,
    files: inside.map(({ path }) => path),
  }
}

/** Runs the commands of the `build` script, into `outDir`. */
async function build(outDir: string): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { build: string } }
  for (const command of scripts.build.split(' && ')) {
    const [program, ...args] = command.split(' ')
    const file = program === 'tsc' ? [commandOf('typescript', 'tsc')] : []
    if (program !== 'tsc' && program !== 'node')
      throw new Error(`packing knows no ${program}, which the build script runs`)
    await run(process.execPath, [...file, ...args, '--outDir', outDir], ROOT)
  }
}

interface NpmPacked {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

/** Installs `packages` in `folder`, from npm's cache as far as it has them. */
export async function npmInstall(folder: string, packages: readonly string[]): Promise<void> {
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...packages], folder)
}
