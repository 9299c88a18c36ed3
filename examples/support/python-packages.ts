import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { UnavailableError } from './unavailable.ts'

const run = promisify(execFile)

const CACHE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.cache')

/**
 * A folder with the packages that `requirements` names, for `PYTHONPATH`; installed once a checkout, into `.cache/`.
 *
 * @param requirements - Path of a `requirements.txt`.
 * @throws {UnavailableError} without Python, its `pip`, or the network.
 */
export async function pythonPackages(requirements: string): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16)
  const folder = join(CACHE, `python-${digest}`)
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const own = mkdtempSync(join(CACHE, 'python-packages-'))
  try {
    await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', own, '-r', requirements], {
      timeout: 300_000,
      env: { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_ROOT_USER_ACTION: 'ignore' },
    })
    take(own, folder)
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string }
    const why = code === 'ENOENT' ? 'python3 is not installed' : (stderr ?? String(error)).trim().slice(-500)
    throw new UnavailableError(`Python packages cannot be installed: ${why}`, { cause: error })
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
  return folder
}

/** Processes that install at the same time each have a folder of their own; the first to rename it wins. */
function take(own: string, folder: string): void {
  try {
    renameSync(own, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
}
