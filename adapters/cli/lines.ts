import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { CommandError } from './exit.ts'

/** The lines of a file, or of standard input for `-`, as they come: files of any size. @throws {CommandError} `ERR_INPUT` */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new CommandError(
      `${file} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : message}`,
      'ERR_INPUT',
    )
  }
}
