import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type FolderLock, lockFolder } from '../storage/lmdb-lock.ts'
import { installError, lockError, reasonOf } from './failure.ts'
import { hashFile } from './hash-file.ts'
import { type LockedPlugin, PLUGIN_NAME } from './lock.ts'
import { syncFolder } from './lock-file.ts'

/** Is what is installed what the lock says? */
export type FileState = 'ok' | 'missing' | 'changed'

const STAGE = '.stage-'
const SHA256 = /^[0-9a-f]{64}$/

/** Installed plugins: `FOLDER/NAME/SHA256/NAME`, each one executable file. */
export class PluginStore {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** Where the file of `plugin` is, or would be. */
  pathOf({ name, sha256 }: Pick<LockedPlugin, 'name' | 'sha256'>): string {
    return join(this.folder, name, sha256, name)
  }

  async stateOf(plugin: LockedPlugin): Promise<FileState> {
    try {
      return (await hashFile(this.pathOf(plugin))) === plugin.sha256 ? 'ok' : 'changed'
    } catch (error) {
      return reasonOf(error) === 'ENOENT' ? 'missing' : 'changed'
    }
  }

  /**
   * Runs `work` with an empty staging folder, while nobody else installs into this store.
   *
   * The kernel ends the lock with its process, however that ends. So what other staging folders there are belongs to
   * the dead, and goes.
   *
   * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_INSTALL`: another install is under way, or the folder cannot be used.
   */
  async staged<T>(work: (stage: string) => Promise<T>): Promise<T> {
    const lock = await this.#lock()
    try {
      await this.#removeStages()
      const stage = await mkdtemp(join(this.folder, STAGE))
      try {
        return await work(stage)
      } finally {
        await rm(stage, { recursive: true, force: true, maxRetries: 3 })
      }
    } finally {
      lock.release()
    }
  }

  /**
   * Moves a staged file to its place: whole, or not at all.
   *
   * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_LOCK`: the staged file is not what was hashed.
   */
  async keep(staged: string, plugin: Pick<LockedPlugin, 'name' | 'sha256'>): Promise<void> {
    const target = this.pathOf(plugin)
    if ((await hashFile(staged)) !== plugin.sha256)
      throw lockError(`plugin ${plugin.name}: its file was changed while it was installed; nothing was kept`)
    await chmod(staged, 0o555)
    await flush(staged)
    await mkdir(dirname(target), { recursive: true, mode: 0o755 })
    await rename(staged, target)
    await syncFolder(dirname(target))
  }

  /** Removes files that no plugin of `plugins` has. What is not of this store's form stays. */
  async prune(plugins: readonly LockedPlugin[]): Promise<void> {
    const kept = new Set(plugins.map((plugin) => dirname(this.pathOf(plugin))))
    for (const name of await namesIn(this.folder)) {
      if (!PLUGIN_NAME.test(name)) continue
      const home = join(this.folder, name)
      const hashes = await namesIn(home)
      const stale = hashes.filter((hash) => SHA256.test(hash) && !kept.has(join(home, hash)))
      for (const hash of stale) await rm(join(home, hash), { recursive: true, force: true })
      if (stale.length > 0 && stale.length === hashes.length) await rmdir(home)
    }
  }

  async #lock(): Promise<FolderLock> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o755 })
      return await lockFolder(this.folder)
    } catch (cause) {
      const isBusy = reasonOf(cause) === 'ERR_PORTCULLIS_STORAGE_LOCKED'
      const why = isBusy ? 'another install is under way there; wait for its end' : reasonOf(cause)
      throw installError(`cannot install into ${this.folder}: ${why}`, { cause, temporary: isBusy })
    }
  }

  async #removeStages(): Promise<void> {
    const stages = (await namesIn(this.folder)).filter((name) => name.startsWith(STAGE))
    for (const name of stages) await rm(join(this.folder, name), { recursive: true, force: true, maxRetries: 3 })
  }
}

async function flush(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch {
    return []
  }
}
