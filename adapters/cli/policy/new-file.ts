import { writeFile } from 'node:fs/promises'
import { CommandError } from '../exit.ts'

/** Writes a file that is not there yet. @throws {CommandError} `ERR_INPUT` */
export async function writeNewFile(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'it is there already; remove it, or name another' : message
    throw new CommandError(`${file} was not written: ${why}`, 'ERR_INPUT')
  }
}
