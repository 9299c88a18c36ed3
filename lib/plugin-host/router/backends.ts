import { PluginError } from '../../errors/index.ts'
import type { Backend, BackendEntity, BackendWrap, MountFacts, SystemView } from '../../model/backend.ts'
import type { BackendServices, CatalogEntry, Plugins } from '../process/plugins.ts'
import { viewOf } from '../storage/view.ts'
import type { Catalog } from './catalog.ts'
import type { Context } from './context.ts'
import type { GuardKey } from './exposure.ts'
import { type Mount, type Running, runningOf } from './mount.ts'
import { createPluginEvents } from './plugin-events.ts'
import { repeatedOnce } from './repeated.ts'

/** Makes a backend that lives in the host itself, such as the database engine. */
export type Engine = (mount: MountFacts, services: BackendServices) => Promise<Backend>

export interface BackendDeps {
  readonly context: Context
  readonly catalog: Catalog
  readonly plugins: Plugins
  /** By name of the built-in entry. */
  readonly engines: ReadonlyMap<string, Engine>
  /** Bytes that one mount may store. */
  readonly maxStorageBytes: number
  readonly clusterId: string
  readonly guardKey: GuardKey
  /** What the plugin of a mount has wrapped. */
  wrap(mountUuid: string, data: string, ttlMs: number): Promise<BackendWrap>
  entity(id: string): BackendEntity | undefined
  password(policy: string): Promise<string>
}

/** Where the storage of a mount lies. */
export function storageOf(uuid: string): string {
  return `logical/${uuid}/`
}

/** What runs behind mounts. */
export class Backends {
  readonly #deps: BackendDeps
  #isClosed = false

  constructor(deps: BackendDeps) {
    this.#deps = deps
  }

  /** What runs behind `mount`; started with the first call. @throws {PluginError} */
  open(mount: Mount): Promise<Running> {
    if (mount.running !== undefined) return mount.running
    if (this.#isClosed) throw new PluginError('ERR_PORTCULLIS_PLUGIN_UNAVAILABLE', 'the plugin host is closed')
    const opening = this.#start(mount)
    mount.running = opening
    opening.then(
      (running) => {
        if (mount.running === opening) mount.ready = running
      },
      // The next call tries anew; how often is for the process to bound.
      () => {
        if (mount.running === opening) mount.running = undefined
      },
    )
    return opening
  }

  /** Ends what runs behind `mount`, if anything does. Never rejects. */
  async stop(mount: Mount): Promise<void> {
    const { running } = mount
    mount.running = undefined
    mount.ready = undefined
    await running?.then(({ backend }) => backend.close()).catch(() => undefined)
  }

  /** Opens no more. */
  close(): void {
    this.#isClosed = true
  }

  /** The entry that `mount` runs now: pins win over what it recorded. @throws {PluginError} `_UNKNOWN`. */
  entryOf({ record }: Mount): CatalogEntry {
    const { catalog } = this.#deps
    const type = record.kind
    const pinned = catalog.pinned(type, record.type)
    const entry = catalog.find(type, record.type, pinned ?? record.version)
    if (entry !== undefined) return entry
    throw new PluginError(
      'ERR_PORTCULLIS_PLUGIN_UNKNOWN',
      `no ${type} plugin ${JSON.stringify(record.type)}${record.version === '' ? '' : ` of version ${record.version}`} stands in the catalog`,
      { plugin: record.type, mount: record.path },
    )
  }

  /** The next that runs behind any mount of the same plugin is another process than now. */
  retire(entry: CatalogEntry): void {
    this.#deps.plugins.retire?.(entry)
  }

  limits({ record: { config } }: Mount): { readonly defaultTtlMs: number; readonly maxTtlMs: number } {
    const { defaultLeaseTtlMs, maxLeaseTtlMs } = this.#deps.context
    const maxTtlMs = config.maxLeaseTtlMs || maxLeaseTtlMs
    return { defaultTtlMs: Math.min(config.defaultLeaseTtlMs || defaultLeaseTtlMs, maxTtlMs), maxTtlMs }
  }

  async #start(mount: Mount): Promise<Running> {
    const entry = this.entryOf(mount)
    this.#deps.guardKey(entry)
    const facts = factsOf(mount)
    const services = this.#servicesOf(mount)
    const engine = entry.isBuiltin ? this.#deps.engines.get(entry.name) : undefined
    const backend = engine === undefined ? await this.#plugin(entry, facts, services) : await engine(facts, services)
    return runningOf(backend, entry.version, entry.sha256)
  }

  async #plugin(entry: CatalogEntry, facts: MountFacts, services: BackendServices): Promise<Backend> {
    return repeatedOnce(await this.#deps.plugins.backend(entry, facts, services), this.#deps.context.clock)
  }

  #servicesOf(mount: Mount): BackendServices {
    const { context, maxStorageBytes } = this.#deps
    const storage = viewOf(context.store, storageOf(mount.record.uuid), { maxBytes: maxStorageBytes, keys: 'server' })
    return { storage, view: this.#viewOf(mount), onEvent: createPluginEvents(context, mount) }
  }

  #viewOf(mount: Mount): SystemView {
    const { clusterId, wrap, password, entity } = this.#deps
    const limits = (): ReturnType<Backends['limits']> => this.limits(mount)
    return {
      get defaultLeaseTtlMs(): number {
        return limits().defaultTtlMs
      },
      get maxLeaseTtlMs(): number {
        return limits().maxTtlMs
      },
      get tainted(): boolean {
        return mount.record.tainted
      },
      // No longer than anything else of the mount may live.
      wrap: (data, ttlMs) => wrap(mount.record.uuid, data, Math.min(ttlMs, limits().maxTtlMs)),
      password: (policy) => password(policy),
      entity: async (id) => entity(id),
      clusterId,
    }
  }
}

function factsOf({ record }: Mount): MountFacts {
  const { path, kind, type, version, backendUuid, options } = record
  return { path, type: kind, pluginName: type, pluginVersion: version, backendUuid, options }
}
