import type { Backend, MountFacts, SpecialPaths, SystemView } from '../../model/backend.ts'
import type { DatabaseDriver } from '../../model/database.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Store } from '../../ports/store.ts'

export type PluginType = 'secret' | 'auth' | 'database'

/** How strongly a plugin process is kept apart; what each level stops, and what not, stands in `README.md` beside this. */
export type Isolation = 'crash' | 'uid' | 'sandbox'

/** A plugin that may run: only what stands in the catalog does. */
export interface CatalogEntry {
  readonly name: string
  readonly type: PluginType
  /** Semantic version with leading `v`; `''` for an unversioned entry. */
  readonly version: string
  /** Path of the file to run. Built-in plugins have none. */
  readonly command: string
  readonly args: readonly string[]
  /** `NAME=value`, on top of the scrubbed environment. */
  readonly env: readonly string[]
  /** Lower-case hex; empty for built-in plugins, which come with the package. */
  readonly sha256: string
  readonly isBuiltin: boolean
  readonly isolation: Isolation
}

/** What a backend reaches its host through. */
export interface BackendServices {
  /** Only what lies below the mount's prefix. */
  readonly storage: Store
  readonly view: SystemView
  /** The plugin says that something happened, such as `kv-v2/data-write`; may be dropped. */
  readonly onEvent?: (type: string, metadata: JsonObject) => void
}

/**
 * Runs plugins: one process for each mount, or one for all mounts of a plugin that multiplexes.
 *
 * Processes start with the first call, are started anew after a crash (with back-off; a crash loop opens a breaker
 * for that mount alone), and end with the last backend that uses them.
 */
export interface Plugins {
  /** @throws {PluginError} the file is not what the catalog says, or the process does not come up. */
  backend(entry: CatalogEntry, mount: MountFacts, services: BackendServices): Promise<Backend>
  database(entry: CatalogEntry): Promise<DatabaseDriver>
  /**
   * From now on whoever opens a backend of `entry` gets another process: the one that runs goes on for those that use it, and ends with the last.
   * For a reload. Built-in plugins share one process, which stays.
   */
  retire?(entry: CatalogEntry): void
  /** Starts it in quarantine (no storage behind it) and tells what it is. */
  inspect(entry: CatalogEntry): Promise<Inspection>
  /** Ends processes that have not come up yet, and lets none come up any more: those who wait for them fail at once. */
  endStarts?(): void
  /** Ends all processes: asked, then told, then killed. Idempotent. */
  close(): Promise<void>
}

/** What a plugin says of itself. Untrusted. */
export interface Inspection {
  readonly type: PluginType
  /** As it reports; empty where it does not. */
  readonly version: string
  readonly protocolVersion: number
  readonly multiplexing: boolean
  readonly autoMtls: boolean
  /** Full names of gRPC services, by reflection; `undefined` where it is not served. */
  readonly services: readonly string[] | undefined
  /** Where its descriptors differ from ours, one line each. */
  readonly differences: readonly string[]
  readonly specialPaths: SpecialPaths | undefined
  /** Root help: text, and the paths of its OpenAPI document. */
  readonly help: string
  readonly paths: readonly InspectedPath[]
}

export interface InspectedPath {
  readonly path: string
  readonly operations: readonly string[]
  readonly summary: string
  readonly unauthenticated: boolean
}
