import { open } from 'node:fs/promises'
import type { Random } from '../ports/random.ts'

const KEY_BYTES = 32

/**
 * The key in `path`; made with mode 0600 where there is none yet.
 *
 * @throws {RangeError} the file holds no key of 16 to 1024 bytes, or others may read it.
 */
export async function readOrCreateKey(path: string, random: Random): Promise<Uint8Array> {
  const handle = await create(path)
  if (handle === undefined) return read(path)
  try {
    const key = random.bytes(KEY_BYTES)
    await handle.writeFile(key)
    await handle.sync()
    return key
  } finally {
    await handle.close()
  }
}

type Handle = Awaited<ReturnType<typeof open>>

async function create(path: string): Promise<Handle | undefined> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}

async function read(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r')
  try {
    const { mode, size } = await handle.stat()
    if ((mode & 0o077) !== 0) throw new RangeError(`audit.keyFile ${path} may be read by others: set its mode to 0600`)
    if (size < 16 || size > 1024) throw new RangeError(`audit.keyFile ${path} must hold 16 to 1024 bytes, has ${size}`)
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
