import { join } from 'node:path'
import { StorageError } from '../../errors/index.ts'

/** Holds a folder for one process. */
export interface FolderLock {
  release(): void
}

/** Code of SQLite for a file that someone else has locked. */
const SQLITE_BUSY = 5

/**
 * Takes `folder` for this process, against other processes and other callers in this one.
 *
 * Node has no file locks; the SQLite within it has: a transaction that is held open on an empty file. The kernel ends
 * the lock with the process, however that ends. Process ids, which LMDB goes by, are the same in many containers.
 *
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_LOCKED`.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const { DatabaseSync } = await import('node:sqlite')
  const file = new DatabaseSync(join(folder, 'process.lock'), { timeout: 0 })
  try {
    file.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    file.close()
    if ((cause as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw cause
    const message = `${folder} is in use by another process, or by another open storage of this one`
    throw new StorageError('ERR_PORTCULLIS_STORAGE_LOCKED', message, { cause })
  }
  return { release: () => file.close() }
}
