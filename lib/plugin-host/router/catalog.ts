import type { CatalogEntry, PluginType } from '../process/plugins.ts'
import type { Documents } from './documents.ts'
import { hashOf } from './names.ts'
import { refuse } from './refusal.ts'
import { compareVersions } from './version.ts'

/** Which plugins may run. Only what stands here does. */
export interface Catalog {
  /** The entry of exactly that version (`''`: the unversioned one). */
  find(type: PluginType, name: string, version: string): CatalogEntry | undefined
  /**
   * The entry to run where none is named: the pinned one, else the unversioned one, else the highest version, else
   * the built-in one.
   */
  choose(type: PluginType, name: string): CatalogEntry | undefined
  all(): readonly CatalogEntry[]
  put(entry: CatalogEntry): Promise<void>
  /** @throws {Refusal} 400 for a pinned one. */
  remove(type: PluginType, name: string, version: string): Promise<void>
  pin(type: PluginType, name: string, version: string): Promise<void>
  unpin(type: PluginType, name: string): Promise<void>
  pinned(type: PluginType, name: string): string | undefined
  pins(): readonly Pin[]
}

/** The version that every mount of a plugin runs, whatever the mount says. */
export interface Pin {
  readonly type: PluginType
  readonly name: string
  readonly version: string
}

const FOLDER = 'core/catalog/'
const PINS = 'core/pin/'

/** Reads the stored catalog. `builtins` come with the package and are not stored. */
export async function openCatalog(documents: Documents, builtins: readonly CatalogEntry[]): Promise<Catalog> {
  const catalog = new StoredCatalog(documents, builtins)
  await catalog.load()
  return catalog
}

class StoredCatalog implements Catalog {
  readonly #documents: Documents
  readonly #builtins: readonly CatalogEntry[]
  readonly #entries = new Map<string, CatalogEntry>()
  readonly #pins = new Map<string, Pin>()

  constructor(documents: Documents, builtins: readonly CatalogEntry[]) {
    this.#documents = documents
    this.#builtins = builtins
  }

  async load(): Promise<void> {
    for (const [, entry] of await this.#documents.all<CatalogEntry>(FOLDER)) this.#entries.set(keyOf(entry), entry)
    for (const [, pin] of await this.#documents.all<Pin>(PINS)) this.#pins.set(pinKey(pin.type, pin.name), pin)
  }

  find(type: PluginType, name: string, version: string): CatalogEntry | undefined {
    return this.#entries.get(keyOf({ type, name, version })) ?? this.#builtin(type, name, version)
  }

  choose(type: PluginType, name: string): CatalogEntry | undefined {
    const pinned = this.pinned(type, name)
    if (pinned !== undefined) return this.find(type, name, pinned)
    const versions = [...this.#entries.values()].filter((entry) => entry.type === type && entry.name === name)
    versions.sort((a, b) => compareVersions(b.version, a.version))
    return versions.find(({ version }) => version === '') ?? versions[0] ?? this.#builtin(type, name, '')
  }

  all(): readonly CatalogEntry[] {
    return [...this.#builtins, ...this.#entries.values()]
  }

  async put(entry: CatalogEntry): Promise<void> {
    await this.#documents.put(FOLDER + hashOf(keyOf(entry)), entry)
    this.#entries.set(keyOf(entry), entry)
  }

  async remove(type: PluginType, name: string, version: string): Promise<void> {
    if (this.pinned(type, name) === version)
      throw refuse(400, `the version of ${type} plugin ${name} is pinned: delete the pin first`)
    const key = keyOf({ type, name, version })
    await this.#documents.remove(FOLDER + hashOf(key))
    this.#entries.delete(key)
  }

  async pin(type: PluginType, name: string, version: string): Promise<void> {
    if (this.find(type, name, version) === undefined)
      throw refuse(400, `plugin not found in the catalog: ${name}, version=${version}`)
    const pin = { type, name, version }
    await this.#documents.put(PINS + hashOf(pinKey(type, name)), pin)
    this.#pins.set(pinKey(type, name), pin)
  }

  async unpin(type: PluginType, name: string): Promise<void> {
    await this.#documents.remove(PINS + hashOf(pinKey(type, name)))
    this.#pins.delete(pinKey(type, name))
  }

  pinned(type: PluginType, name: string): string | undefined {
    return this.#pins.get(pinKey(type, name))?.version
  }

  pins(): readonly Pin[] {
    return [...this.#pins.values()]
  }

  /** A built-in is found by no version, or by its own. */
  #builtin(type: PluginType, name: string, version: string): CatalogEntry | undefined {
    return this.#builtins.find(
      (entry) => entry.type === type && entry.name === name && (version === '' || entry.version === version),
    )
  }
}

function keyOf({ type, name, version }: Pick<CatalogEntry, 'type' | 'name' | 'version'>): string {
  return JSON.stringify([type, name, version])
}

function pinKey(type: PluginType, name: string): string {
  return JSON.stringify([type, name])
}
