import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { CommandError } from '../exit.ts'

/**
 * Writes a file whole or not at all; in place of another only where that begins with `header`, as what a command made does.
 *
 * @throws {CommandError} `ERR_INPUT`
 */
export async function replaceMadeFile(file: string, text: string, header: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new CommandError(`${file} was not written: ${error.message}`, 'ERR_INPUT')
  })
  if (before !== undefined && !before.startsWith(header)) {
    throw new CommandError(`${file} was not written: it is there, and was not made by this command`, 'ERR_INPUT')
  }
  const next = `${file}.${process.pid}.new`
  try {
    await writeFile(next, text, { flag: 'wx' })
    await rename(next, file)
  } catch (error) {
    await rm(next, { force: true })
    throw new CommandError(`${file} was not written: ${(error as Error).message}`, 'ERR_INPUT')
  }
}
