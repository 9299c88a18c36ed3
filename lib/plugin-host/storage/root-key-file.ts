import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, link, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StorageError } from '../../errors/index.ts'
import { seal } from '../../model/sealed.ts'
import { booleanOption, checkNames, stringOption } from '../../options/check.ts'
import { systemRandom } from '../../system/random.ts'
import { ROOT_KEY_BYTES } from './ring-seal.ts'
import { keyError, type RootKeySource } from './root-key.ts'

/** Options of {@link rootKeyFile}. */
export interface RootKeyFileOptions {
  /** Makes the file, of 32 random bytes, where it is absent and the storage is new. Default: false. */
  readonly create?: boolean
}

/**
 * A root key in a file: 32 bytes, mode 0600 or less, owned by who runs the host, and no link.
 *
 * Keep a copy where the storage is not: without it nothing in the storage can be read, and with it everything can.
 * An absent file is never made for a storage that has a key ring already.
 *
 * @throws {TypeError} naming the option.
 */
export function rootKeyFile(path: string, options: RootKeyFileOptions = {}): RootKeySource {
  checkNames('rootKeyFile()', options, ['create'])
  stringOption('path', path, '')
  const create = booleanOption('create', options.create, false)
  return {
    kind: 'file',
    async open(_stored, isFirst) {
      try {
        return { key: seal(await read(path)) }
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || !(create && isFirst)) throw refused(path, error)
      }
      try {
        await make(path)
        return { key: seal(await read(path)) }
      } catch (error) {
        throw refused(path, error)
      }
    },
  }
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const OTHERS_MAY = 0o077

async function read(path: string): Promise<Buffer> {
  // A FIFO that nobody fills would hold the start for ever.
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    check(path, await handle.stat())
    return await readKey(path, handle)
  } finally {
    await handle.close()
  }
}

function check(path: string, stats: Stats): void {
  if (!stats.isFile()) throw keyError(`${path} must be a file`)
  if (stats.size !== ROOT_KEY_BYTES) throw keyError(`${path} must have ${ROOT_KEY_BYTES} bytes, it has ${stats.size}`)
  // Windows has neither.
  if (process.platform === 'win32') return
  if ((stats.mode & OTHERS_MAY) !== 0) throw keyError(`${path} is open to others: set its mode to 0600`)
  if (stats.uid !== process.geteuid?.()) throw keyError(`${path} belongs to another user`)
}

async function readKey(path: string, handle: FileHandle): Promise<Buffer> {
  const key = Buffer.alloc(ROOT_KEY_BYTES)
  const { bytesRead } = await handle.read(key, 0, ROOT_KEY_BYTES, 0)
  if (bytesRead !== ROOT_KEY_BYTES) throw keyError(`${path} was cut short while it was read`)
  return key
}

/** The file appears whole or not at all, and is on the disk before anything is sealed with it. */
async function make(path: string): Promise<void> {
  const draft = `${path}.${systemRandom.uuid()}`
  const handle = await open(draft, 'wx', 0o600)
  try {
    const key = randomBytes(ROOT_KEY_BYTES)
    await handle.writeFile(key)
    key.fill(0)
    await handle.sync()
    await link(draft, path)
  } catch (error) {
    // Another process was first: its key is the key.
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await handle.close()
    await unlink(draft)
  }
  await syncFolder(dirname(path))
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function refused(path: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  const why = HINTS[codeOf(cause) ?? ''] ?? codeOf(cause) ?? 'it failed'
  return keyError(`the root key ${path} can be neither read nor made: ${why}`, cause)
}

const HINTS: Readonly<Record<string, string>> = {
  ELOOP: 'it is a symbolic link; give the path that it leads to',
  ENOENT: 'there is no such file; bring it back, or, for a new storage, ask for it with `create`',
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
