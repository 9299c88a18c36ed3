import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { hashCopy, MAX_PLUGIN_BYTES } from '../process/hash-copy.ts'

/** What {@link hashFile} may do meanwhile. */
export interface HashFileOptions {
  /** A new file that gets a copy of exactly what was hashed. */
  readonly copyTo?: string
  readonly signal?: AbortSignal | undefined
}

/**
 * SHA-256 of a file, in lower-case hex.
 *
 * @throws {RangeError} it is no regular file, or a link, or larger than {@link MAX_PLUGIN_BYTES}.
 * @throws {Error} of the system.
 */
export async function hashFile(path: string, options: HashFileOptions = {}): Promise<string> {
  const input = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = await input.stat()
    if (!stats.isFile()) throw new RangeError('is no regular file')
    if (stats.size > MAX_PLUGIN_BYTES) throw new RangeError(`is larger than ${MAX_PLUGIN_BYTES} bytes`)
    const output = options.copyTo === undefined ? undefined : await open(options.copyTo, 'wx', 0o700)
    try {
      const sha256 = await hashCopy(input, output, options.signal)
      await output?.sync()
      return sha256
    } finally {
      await output?.close()
    }
  } finally {
    await input.close()
  }
}
