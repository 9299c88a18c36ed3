import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

/** Largest file of a plugin, in bytes; a single executable of Node has about 130 MB. */
export const MAX_PLUGIN_BYTES: number = 512 * 1024 * 1024
const CHUNK_BYTES = 1024 * 1024

/**
 * SHA-256 of what `input` reads, in lower-case hex; `output` gets exactly the bytes that were hashed.
 *
 * @throws {RangeError} more than {@link MAX_PLUGIN_BYTES} come: the file grows while it is read.
 * @throws {Error} of the system, or the reason of `signal`.
 */
export async function hashCopy(
  input: FileHandle,
  output: FileHandle | undefined,
  signal?: AbortSignal,
): Promise<string> {
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
