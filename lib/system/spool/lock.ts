import { open } from 'node:fs/promises'

/** Keeps a folder for one process. */
export interface FolderLock {
  release(): void
}

/** Code of SQLite for a file that someone else has locked. */
const SQLITE_BUSY = 5

/**
 * Takes the spool of which `path` is the lock file for this process.
 *
 * Node has no file locks; the SQLite within it has: a transaction that is held open on an empty file. The kernel ends the lock with
 * the process, however that ends, so that a dead one's needs no taking over.
 *
 * @throws {Error} another process has it, or it cannot be locked.
 */
export async function lockFolder(path: string): Promise<FolderLock> {
  await makeEmpty(path)
  const { DatabaseSync } = await import('node:sqlite')
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    // No journal, which a full disk would not take.
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    file.close()
    const isHeld = (cause as { errcode?: unknown }).errcode === SQLITE_BUSY
    throw new Error(isHeld ? 'another process has it open' : `${path} cannot be locked`, { cause })
  }
  return { release: () => file.close() }
}

/** One that is there is not opened: closing it would end a lock that this process holds. */
async function makeEmpty(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  }
}
