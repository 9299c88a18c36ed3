import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemFiles } from '../../system/files.ts'
import { installError, lockError, reasonOf } from './failure.ts'
import { type LockedPlugin, lockText, parseLock } from './lock.ts'

/** @returns `undefined` where there is no lock. @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_LOCK`. */
export async function readLock(file: string): Promise<readonly LockedPlugin[] | undefined> {
  let text: string
  try {
    text = await systemFiles.readText(file)
  } catch (cause) {
    if (reasonOf(cause) === 'ENOENT') return undefined
    throw lockError(`${file} cannot be read: ${reasonOf(cause)}`, { cause })
  }
  return parseLock(file, text)
}

/** The lock is the old one or the new one, whatever happens meanwhile. @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_INSTALL`. */
export async function writeLock(file: string, plugins: readonly LockedPlugin[]): Promise<void> {
  const draft = `${file}.draft`
  try {
    const handle = await open(draft, 'w', 0o644)
    try {
      await handle.writeFile(lockText(plugins))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
    await syncFolder(dirname(file))
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {})
    throw installError(`${file} cannot be written: ${reasonOf(cause)}`, { cause })
  }
}

/** Names in a folder outlive a power cut only when the folder is flushed, too. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
