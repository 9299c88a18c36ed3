import { constants } from 'node:fs'
import { link, open, unlink } from 'node:fs/promises'
import { AuditError } from '../errors/index.ts'
import type { Random } from '../ports/random.ts'

const KEY_BYTES = 32
const MIN_BYTES = 16
const MAX_BYTES = 1024

/**
 * The key in `path`; made with mode 0600 where there is none yet.
 *
 * The file appears whole or not at all, so that processes which start together get the same key, and one that
 * is killed leaves no empty file behind.
 *
 * @throws {RangeError} the file holds no key of 16 to 1024 bytes, or others may read it.
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE`: it can be neither read nor made.
 */
export async function readOrCreateKey(path: string, random: Random): Promise<Uint8Array> {
  try {
    return (await read(path)) ?? (await create(path, random)) ?? (await readExisting(path))
  } catch (cause) {
    if (cause instanceof RangeError) throw cause
    throw unusable(path, cause)
  }
}

/** `undefined` where there is no file. */
async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readExisting(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function readExisting(path: string): Promise<Uint8Array> {
  // Without O_NONBLOCK a FIFO that nobody fills would hold the start for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new RangeError(`audit.keyFile ${path} must be a file`)
    if ((stats.mode & 0o077) !== 0) {
      throw new RangeError(`audit.keyFile ${path} may be used by others: set its mode to 0600`)
    }
    const { size } = stats
    if (size < MIN_BYTES || size > MAX_BYTES) {
      throw new RangeError(`audit.keyFile ${path} must hold ${MIN_BYTES} to ${MAX_BYTES} bytes, has ${size}`)
    }
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/** `undefined` where another process made it first. */
async function create(path: string, random: Random): Promise<Uint8Array | undefined> {
  const key = random.bytes(KEY_BYTES)
  const draft = `${path}.${random.uuid()}`
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(key)
    await handle.sync()
    await handle.close()
    await link(draft, path)
    return key
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined
    throw error
  } finally {
    await handle.close()
    await unlink(draft)
  }
}

function unusable(path: string, cause: unknown): AuditError {
  const hint = ' (make the file yourself: 32 random bytes, mode 0600)'
  const message = `audit.keyFile ${path} can be neither read nor made: ${codeOf(cause) ?? 'it failed'}${hint}`
  return new AuditError('ERR_PORTCULLIS_AUDIT_UNUSABLE', message, { device: 'audit.keyFile', phase: 'start', cause })
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
