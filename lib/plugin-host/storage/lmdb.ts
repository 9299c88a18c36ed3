import { Buffer } from 'node:buffer'
import { mkdir, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { StorageError } from '../../errors/index.ts'
import { typed } from '../../options/check.ts'
import type { Store, StoreChange, StorePage } from '../../ports/store.ts'
import { systemClock } from '../../system/clock.ts'
import type { StorageDriver } from './driver.ts'
import { checkChange, checkKey, closed, DRIVER_LIMITS, quoted } from './key.ts'
import { checkLmdbFile } from './lmdb-file.ts'
import { type FolderLock, lockFolder } from './lmdb-lock.ts'
import { namesBelow } from './names.ts'
import { type Batch, WriteQueue } from './write-queue.ts'

/**
 * Storage in a folder of this machine, in LMDB: the durable default. Needs the package `lmdb`.
 *
 * A write is acknowledged when its transaction is committed and flushed to the disk; concurrent writes share one.
 * One process at a time. The folder is made with mode 0700; one that others may enter is refused, since names of keys
 * are not encrypted. Put it on a local disk: a network file system keeps neither the locks nor the memory map.
 * When the disk fails a flush, nothing more is written until the process has been started anew; a full disk can be tried
 * again. LMDB keeps no sums of its own pages: damage in those can hide keys or end the process, but passes no barrier.
 *
 * @param folder - Made where it does not exist, folders above it too.
 * @throws {TypeError} `folder` is no text.
 */
export function lmdb(folder: string): StorageDriver {
  if (typeof folder !== 'string' || folder === '') throw new TypeError(`lmdb() takes a folder, got ${typed(folder)}`)
  const path = resolve(folder)
  return { name: `lmdb:${path}`, open: () => openFolder(path) }
}

/** What is used of lmdb's database. Its own types are not valid in a module. */
interface Database {
  /** When the last batch is on the disk; to be awaited after its commit, and before the next batch. */
  readonly flushed: PromiseLike<unknown>
  get(key: Buffer): Buffer | undefined
  getKeys(range: { readonly start: Buffer }): Iterable<Buffer>
  put(key: Buffer, value: Uint8Array): Promise<boolean>
  remove(key: Buffer): Promise<boolean>
  /** One transaction of what `run` writes. */
  batch(run: () => void): Promise<boolean>
  close(): Promise<void>
}

type Open = (options: typeof OPTIONS & { readonly path: string }) => Database

/** A disk that takes longer to flush has failed. */
const FLUSH_LIMIT_MS = 60_000

const OPTIONS = {
  // A name with a dot in it would be taken for a file.
  noSubdir: false,
  encoding: 'binary',
  keyEncoding: 'binary',
  cache: false,
  overlappingSync: true,
  // The batch of an event turn has a promise of its own, which would end the process when a commit fails.
  eventTurnBatching: false,
} as const

async function openFolder(folder: string): Promise<Store> {
  const { open } = load()
  let lock: FolderLock | undefined
  try {
    await prepareFolder(folder)
    lock = await lockFolder(folder)
    await checkLmdbFile(join(folder, 'data.mdb'))
    return new LmdbStore(folder, open({ path: folder, ...OPTIONS }), lock)
  } catch (error) {
    lock?.release()
    throw translated(`cannot open ${folder}`, error)
  }
}

/** By `require`: an `import()` would bring its types along. */
function load(): { readonly open: Open } {
  try {
    return createRequire(import.meta.url)('lmdb')
  } catch (cause) {
    const message = 'the package lmdb cannot be loaded: install it (npm install lmdb), or take another storage driver'
    throw new StorageError('ERR_PORTCULLIS_STORAGE_FAILED', message, { cause, temporary: false })
  }
}

async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { mode } = await stat(folder)
  // Windows has no such rights, and tells them for every folder.
  if (process.platform === 'win32' || (mode & 0o077) === 0) return
  const message = `${folder} is open to others: set its mode to 0700, or name a folder in it that is not there yet`
  throw new StorageError('ERR_PORTCULLIS_STORAGE_FAILED', message, { temporary: false })
}

class LmdbStore implements Store {
  readonly #folder: string
  readonly #database: Database
  readonly #lock: FolderLock
  readonly #queue = new WriteQueue((batch) => this.#commit(batch))
  #closing: Promise<void> | undefined
  /** Why nothing can be written any more. */
  #failure: StorageError | undefined

  constructor(folder: string, database: Database, lock: FolderLock) {
    this.#folder = folder
    this.#database = database
    this.#lock = lock
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check()
    checkKey(key)
    try {
      return this.#database.get(Buffer.from(key))
    } catch (error) {
      throw translated(`cannot read ${quoted(key)}`, error)
    }
  }

  async list(prefix: string, page: StorePage = {}): Promise<readonly string[]> {
    this.#check()
    try {
      return namesBelow(prefix, page, (start) => this.#from(start))
    } catch (error) {
      throw translated(`cannot list ${quoted(prefix)}`, error)
    }
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    this.#check()
    for (const change of changes) checkChange(change, DRIVER_LIMITS)
    return this.#queue.write(changes)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#queue.idle()
    // It would wait for the disk for ever, and what stays open must not be opened a second time.
    if (this.#failure !== undefined) return
    await this.#database.close()
    this.#lock.release()
  }

  #check(): void {
    if (this.#closing !== undefined) throw closed(`lmdb:${this.#folder}`)
  }

  *#from(start: string): Generator<string> {
    for (const key of this.#database.getKeys({ start: Buffer.from(start, 'latin1') })) yield key.toString('latin1')
  }

  async #commit(batch: Batch): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const database = this.#database
    try {
      await database.batch(() => {
        for (const [key, value] of batch) {
          if (value === undefined) void database.remove(Buffer.from(key))
          else void database.put(Buffer.from(key), value)
        }
      })
      await this.#flushed()
    } catch (error) {
      throw this.#failed(await reasonOf(error))
    }
  }

  async #flushed(): Promise<void> {
    let cancel = (): void => {}
    const late = new Promise<never>((_, reject) => {
      const timer = systemClock.after(FLUSH_LIMIT_MS, () => reject(new Error(`no flush within ${FLUSH_LIMIT_MS} ms`)))
      cancel = () => timer.cancel()
    })
    try {
      await Promise.race([this.#database.flushed, late])
    } finally {
      cancel()
    }
  }

  /** Pages that the disk refused once count as written for the kernel: only a full disk can be tried again. */
  #failed(cause: unknown): StorageError {
    const what = `cannot write to ${this.#folder}`
    if (RECOVERABLE.has((cause as { code?: unknown }).code)) return translated(what, cause)
    const message = `${what}: ${messageOf(cause)}; nothing more is written until the process has been started anew`
    this.#failure = new StorageError('ERR_PORTCULLIS_STORAGE_FAILED', message, { cause, temporary: false })
    return this.#failure
  }
}

/** ENOSPC, EDQUOT, MDB_MAP_FULL: the transaction was given up before anything of it was there. */
const RECOVERABLE: ReadonlySet<unknown> = new Set([28, 122, -30792])

/** A failed commit tells why in a promise of its own, which would end the process if nobody heard it. */
async function reasonOf(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<unknown> }).commitError
  return reason === undefined ? error : await reason.catch((cause: unknown) => cause)
}

/** MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH: the file is not one that LMDB wrote. */
const DAMAGED: ReadonlySet<unknown> = new Set([-30796, -30797, -30793, -30794])

function translated(what: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  const isDamage = DAMAGED.has((cause as { code?: unknown }).code)
  const code = isDamage ? 'ERR_PORTCULLIS_STORAGE_CORRUPT' : 'ERR_PORTCULLIS_STORAGE_FAILED'
  return new StorageError(code, `${what}: ${messageOf(cause)}`, { cause })
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'it failed'
}
