import type { SystemView } from '../../model/backend.ts'
import type { DatabaseDriver } from '../../model/database.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Diagnostics } from '../../ports/diagnostics.ts'
import type { Random } from '../../ports/random.ts'
import type { Store } from '../../ports/store.ts'

/**
 * Opens the driver that stands in the catalog by that name; `''` as version is the catalog's choice.
 *
 * Each call gives a driver of its own, not initialised yet. One whose process ends starts it anew by itself, with the
 * configuration it was last initialised with.
 *
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_UNKNOWN` where there is none; else why it does not start.
 */
export type OpenDriver = (pluginName: string, version: string) => Promise<DatabaseDriver>

/** What the parts of one mounted engine work with. */
export interface EngineContext {
  /** Path of the mount, with trailing slash; for errors and diagnostics. */
  readonly mount: string
  readonly storage: Store
  readonly view: SystemView
  readonly clock: Clock
  readonly random: Random
  readonly diagnostics: Diagnostics
  readonly openDriver: OpenDriver
}
