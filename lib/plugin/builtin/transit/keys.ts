import { PluginRefusal } from '../../refusal.ts'
import type { PluginStorage } from '../../storage.ts'
import { createLocks } from '../locks.ts'
import { type StoredKey, TransitKey } from './key.ts'
import { generateVersion } from './material.ts'

/** What a key is made as. */
export type KeySpec = Pick<
  StoredKey,
  'type' | 'keySize' | 'derived' | 'convergent' | 'exportable' | 'allowPlaintextBackup' | 'autoRotateSeconds'
>

const FOLDER = 'keys/'
/** Keys kept in memory; one that is not is read again. */
const MAX_CACHED = 1_000

/** The keys of a mount: stored one an entry, kept in memory once read, changed one change at a time. */
export class Keys {
  readonly #storage: PluginStorage
  readonly #now: () => number
  readonly #locks = createLocks()
  readonly #cached = new Map<string, Promise<TransitKey | undefined>>()

  /** @param now - Milliseconds since 1970. */
  constructor(storage: PluginStorage, now: () => number) {
    this.#storage = storage
    this.#now = now
  }

  list(): Promise<readonly string[]> {
    return this.#storage.list(FOLDER)
  }

  async get(name: string): Promise<TransitKey | undefined> {
    const cached = this.#cached.get(name)
    if (cached !== undefined) return cached
    const reading = this.#read(name)
    this.#keep(name, reading)
    const key = await reading.catch((error: unknown) => {
      this.#drop(name, reading)
      throw error
    })
    // One that is not there can be made elsewhere any moment.
    if (key === undefined) this.#drop(name, reading)
    return key
  }

  /** Makes a key; one that is there already stays as it is. */
  create(name: string, spec: KeySpec): Promise<TransitKey> {
    return this.#locks.run(name, async () => {
      const there = await this.#read(name)
      if (there !== undefined) return there
      const first = await generateVersion(spec.type, spec.keySize, this.#now())
      return this.#write({
        name,
        ...spec,
        deletionAllowed: false,
        minDecryptionVersion: 1,
        minEncryptionVersion: 0,
        minAvailableVersion: 0,
        latestVersion: 1,
        versions: { 1: first },
      })
    })
  }

  /** Adds a version, and encrypts by it from now on. */
  rotate(name: string, missing: string): Promise<TransitKey> {
    return this.change(name, missing, async (stored) => {
      const number = stored.latestVersion + 1
      const version = await generateVersion(stored.type, stored.keySize, this.#now())
      return { ...stored, latestVersion: number, versions: { ...stored.versions, [number]: version } }
    })
  }

  /** @param missing - What is said where there is no such key. */
  change(
    name: string,
    missing: string,
    to: (stored: StoredKey) => StoredKey | Promise<StoredKey>,
  ): Promise<TransitKey> {
    return this.#locks.run(name, async () => {
      const key = await this.#read(name)
      if (key === undefined) throw new PluginRefusal(missing)
      const changed = await to(key.stored)
      return changed === key.stored ? key : this.#write(changed)
    })
  }

  /** @throws {PluginRefusal} there is none, or it may not be deleted. */
  remove(name: string): Promise<void> {
    return this.#locks.run(name, async () => {
      const key = await this.#read(name)
      const why = key === undefined ? 'could not delete key; not found' : 'deletion is not allowed for this key'
      if (key?.stored.deletionAllowed !== true) throw new PluginRefusal(`error deleting policy ${name}: ${why}`)
      await this.#storage.delete(FOLDER + name)
      this.#cached.delete(name)
    })
  }

  /** The stored entry `key` has changed elsewhere. */
  forget(key: string): void {
    if (key.startsWith(FOLDER)) this.#cached.delete(key.slice(FOLDER.length))
  }

  /** Rotates what is due. A key that cannot be is left for the next time. */
  async rotateDue(): Promise<void> {
    for (const name of await this.list()) {
      const stored = (await this.get(name))?.stored
      if (stored !== undefined && isDue(stored, this.#now())) await this.rotate(name, 'key not found')
    }
  }

  async #read(name: string): Promise<TransitKey | undefined> {
    const stored = await this.#storage.getJson<StoredKey>(FOLDER + name)
    return stored === undefined ? undefined : new TransitKey(stored)
  }

  async #write(stored: StoredKey): Promise<TransitKey> {
    const key = new TransitKey(stored)
    // A read that began before may end after: what it finds must not stay.
    this.#cached.delete(stored.name)
    await this.#storage.putJson(FOLDER + stored.name, stored)
    this.#keep(stored.name, Promise.resolve(key))
    return key
  }

  #keep(name: string, key: Promise<TransitKey | undefined>): void {
    const [oldest] = this.#cached.size >= MAX_CACHED ? this.#cached.keys() : []
    if (oldest !== undefined) this.#cached.delete(oldest)
    this.#cached.set(name, key)
  }

  #drop(name: string, key: Promise<TransitKey | undefined>): void {
    if (this.#cached.get(name) === key) this.#cached.delete(name)
  }
}

function isDue({ autoRotateSeconds, latestVersion, versions }: StoredKey, nowMs: number): boolean {
  const madeMs = Date.parse(versions[String(latestVersion)]?.createdAt ?? '')
  return autoRotateSeconds > 0 && nowMs >= madeMs + autoRotateSeconds * 1_000
}
