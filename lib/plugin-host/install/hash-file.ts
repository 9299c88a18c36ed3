import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Largest file of a plugin, in bytes; a single executable of Node has about 130 MB. */
export const MAX_PLUGIN_BYTES: number = 512 * 1024 * 1024
const CHUNK_BYTES = 1024 * 1024

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
      const sha256 = await hashed(input, output, options.signal)
      await output?.sync()
      return sha256
    } finally {
      await output?.close()
    }
  } finally {
    await input.close()
  }
}

async function hashed(input: FileHandle, output: FileHandle | undefined, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let total = 0; total <= MAX_PLUGIN_BYTES; ) {
    signal?.throwIfAborted()
    const { bytesRead } = await input.read(chunk, 0, CHUNK_BYTES, null)
    if (bytesRead === 0) return hash.digest('hex')
    total += bytesRead
    const bytes = chunk.subarray(0, bytesRead)
    hash.update(bytes)
    await output?.writeFile(bytes)
  }
  throw new RangeError('grows while it is read')
}
