import type { Context } from './context.ts'
import type { Documents } from './documents.ts'
import { Mount, type MountRecord } from './mount.ts'

const FOLDER = 'core/mount/'

/** Where mounts are. What is changed is stored first. */
export class MountTable {
  readonly #documents: Documents
  readonly #byPath = new Map<string, Mount>()
  readonly #byUuid = new Map<string, Mount>()

  constructor({ documents }: Context) {
    this.#documents = documents
  }

  async load(): Promise<void> {
    for (const [, record] of await this.#documents.all<MountRecord>(FOLDER)) this.#keep(new Mount(record))
  }

  /** The mount that serves `path`, which may lack the slash at the mount's end. No mount lies within another. */
  of(path: string): Mount | undefined {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      const found = this.#byPath.get(path.slice(0, at + 1))
      if (found !== undefined) return found
    }
    return this.#byPath.get(`${path}/`)
  }

  at(path: string): Mount | undefined {
    return this.#byPath.get(path)
  }

  byUuid(uuid: string): Mount | undefined {
    return this.#byUuid.get(uuid)
  }

  byAccessor(accessor: string): Mount | undefined {
    return this.all().find(({ record }) => record.accessor === accessor)
  }

  all(): readonly Mount[] {
    return [...this.#byPath.values()]
  }

  /** A mount that lies above or below `path`, so that the two would answer for each other. */
  conflict(path: string): Mount | undefined {
    return this.all().find(({ record }) => path.startsWith(record.path) || record.path.startsWith(path))
  }

  async add(record: MountRecord): Promise<Mount> {
    await this.#documents.put(FOLDER + record.uuid, record)
    return this.#keep(new Mount(record))
  }

  async change(mount: Mount, change: Partial<MountRecord>): Promise<void> {
    const record = { ...mount.record, ...change }
    await this.#documents.put(FOLDER + record.uuid, record)
    this.#byPath.delete(mount.record.path)
    mount.record = record
    this.#byPath.set(record.path, mount)
  }

  async remove({ record }: Mount): Promise<void> {
    await this.#documents.remove(FOLDER + record.uuid)
    this.#byPath.delete(record.path)
    this.#byUuid.delete(record.uuid)
  }

  #keep(mount: Mount): Mount {
    this.#byPath.set(mount.record.path, mount)
    this.#byUuid.set(mount.record.uuid, mount)
    return mount
  }
}
