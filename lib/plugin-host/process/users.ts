import { failure } from './failure.ts'
import type { FolderOwner } from './folders.ts'
import { processesOfUser } from './process-table.ts'

/** Numbers of users that belong to plugins alone; the group has the number of the user. */
export interface UserRange {
  /** Above 0; such as 700000. */
  readonly first: number
  /** Plugin processes that can run at once. */
  readonly count: number
}

/** Hands out users: one for each process, none that anything still runs as. */
export class Users {
  readonly #range: UserRange | undefined
  readonly #taken = new Set<number>()
  #next = 0

  constructor(range: UserRange | undefined) {
    this.#range = range
  }

  /** Is there any to be had? */
  get isUsable(): boolean {
    return this.#range !== undefined && process.getuid?.() === 0
  }

  /** @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_ISOLATION`. */
  take(plugin: string): FolderOwner {
    const range = this.#range
    const refused = (why: string): Error => failure('ERR_PORTCULLIS_PLUGIN_ISOLATION', { plugin }, `level uid ${why}`)
    if (process.getuid?.() !== 0) throw refused('needs a host that runs as root')
    if (range === undefined) throw refused('needs a range of users (option users)')
    for (let tried = 0; tried < range.count; tried++) {
      const uid = range.first + (this.#next++ % range.count)
      if (this.#taken.has(uid) || processesOfUser(uid).length > 0) continue
      this.#taken.add(uid)
      return { uid, gid: uid }
    }
    throw refused(`has no user left of ${range.count}`)
  }

  release(owner: FolderOwner): void {
    this.#taken.delete(owner.uid)
  }
}
