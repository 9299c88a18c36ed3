import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PluginsConfig } from './config.ts'
import { endPackageSearch, makeRunFolder, removeFolder } from './folders.ts'
import type { PluginChild } from './launch.ts'
import { keepRecord, reap } from './records.ts'
import { findTools, type Tools } from './tools.ts'
import { Users } from './users.ts'
import { Watch } from './watch.ts'

/** What all processes of a host have in common: folders, tools, users, the watch. */
export class ProcessHost {
  readonly config: PluginsConfig
  readonly tools: Promise<Tools>
  readonly users: Users
  readonly watch: Watch
  readonly runFolder: string
  readonly artefactFolder: string
  readonly #recordFolder: string
  readonly #children = new Set<PluginChild>()
  readonly #dropRecord: () => void
  #lastId = 0

  /** Ends what earlier hosts left in the same folder. @throws {Error} of the system, where folders cannot be made. */
  constructor(config: PluginsConfig) {
    this.config = config
    mkdirSync(config.folder, { recursive: true, mode: 0o700 })
    chmodSync(config.folder, 0o700)
    this.artefactFolder = join(config.folder, 'artefacts')
    mkdirSync(this.artefactFolder, { recursive: true, mode: 0o700 })
    endPackageSearch(this.artefactFolder)
    this.#recordFolder = join(config.folder, 'processes')
    const reaped = reap(this.#recordFolder)
    if (reaped > 0) config.diagnostics.warn('plugin processes of an earlier host were ended', { processes: reaped })
    this.runFolder = makeRunFolder()
    // Its own record: a host that dies between two plugins leaves a folder all the same.
    this.#dropRecord = keepRecord(this.#recordFolder, process.pid, this.runFolder, join(this.runFolder, '0', 's'))
    this.tools = findTools()
    this.users = new Users(config.users)
    this.watch = new Watch(config.clock)
    process.on('exit', this.#onExit)
  }

  nextId(): number {
    this.#lastId++
    return this.#lastId
  }

  /** Sees to it that `child` ends with the host, however that ends. */
  adopt(child: PluginChild, socketFolder: string): void {
    const dropRecord = keepRecord(this.#recordFolder, child.pid, this.runFolder, socketFolder)
    this.#children.add(child)
    void child.ended.then(() => {
      this.#children.delete(child)
      dropRecord()
    })
  }

  /** After the last process has ended. Idempotent. */
  close(): void {
    process.off('exit', this.#onExit)
    removeFolder(this.runFolder)
    this.#dropRecord()
  }

  readonly #onExit = (): void => {
    for (const child of this.#children) child.kill()
    removeFolder(this.runFolder)
  }
}
