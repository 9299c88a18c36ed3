import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { UnavailableError } from '../../examples/support/unavailable.ts'

/**
 * Installs a package next to, not into, our own: `.cache/bench/NAME@VERSION`, once. Gives the path of its entry module.
 *
 * @throws {UnavailableError} when it cannot be installed here.
 */
export async function installPeer(name: string, version: string): Promise<string> {
  const folder = fileURLToPath(new URL(`../../.cache/bench/${name}@${version}/`, import.meta.url))
  const require = createRequire(`${folder}package.json`)
  try {
    return require.resolve(name)
  } catch {
    await install(folder, `${name}@${version}`)
    return require.resolve(name)
  }
}

async function install(folder: string, spec: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(`${folder}package.json`, '{ "private": true }\n')
  const args = ['install', '--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', spec]
  try {
    await promisify(execFile)('npm', args, { cwd: folder })
  } catch (error) {
    throw new UnavailableError(`npm could not install ${spec}`, { cause: error })
  }
}
