import type { Backend, MountFacts } from '../../model/backend.ts'
import type { DatabaseDriver } from '../../model/database.ts'
import { type PluginsConfig, type PluginsOptions, pluginsConfig } from './config.ts'
import { openDatabase } from './database-client.ts'
import { failure } from './failure.ts'
import { ProcessHost } from './host.ts'
import { inspect } from './inspect.ts'
import type { InstanceParts } from './instance.ts'
import { MountStorage } from './mount-storage.ts'
import { MountedBackend } from './mounted-backend.ts'
import type { BackendServices, CatalogEntry, Inspection, Plugins } from './plugins.ts'
import { Slots } from './slots.ts'

/**
 * Runs plugins as processes of this machine.
 *
 * What an earlier host in the same folder left behind is ended first.
 *
 * @throws {TypeError|RangeError} naming the option. @throws {Error} of the system, where the folder cannot be made.
 */
export function createPlugins(options: PluginsOptions): Plugins {
  return new Processes(pluginsConfig(options))
}

class Processes implements Plugins {
  readonly #host: ProcessHost
  readonly #slots: Slots
  #closing: Promise<void> | undefined

  constructor(config: PluginsConfig) {
    this.#host = new ProcessHost(config)
    this.#slots = new Slots(this.#host)
  }

  async backend(entry: CatalogEntry, mount: MountFacts, services: BackendServices): Promise<Backend> {
    this.#checkOpen(entry)
    if (entry.type === 'database')
      throw failure('ERR_PORTCULLIS_PLUGIN_INVALID', { plugin: entry.name, mount: mount.path }, 'it is no backend')
    const parts = this.#partsOf(mount, services)
    const slot = await this.#slots.acquire(entry, parts.stepTimeoutMs)
    try {
      return await MountedBackend.open(this.#slots, slot, parts)
    } catch (error) {
      await this.#slots.release(slot)
      throw error
    }
  }

  async database(entry: CatalogEntry): Promise<DatabaseDriver> {
    this.#checkOpen(entry)
    if (entry.type !== 'database')
      throw failure('ERR_PORTCULLIS_PLUGIN_INVALID', { plugin: entry.name }, 'it is no database plugin')
    return await openDatabase(this.#slots, entry, this.#host.config)
  }

  retire(entry: CatalogEntry): void {
    if (!entry.isBuiltin) this.#slots.retire(entry)
  }

  async inspect(entry: CatalogEntry): Promise<Inspection> {
    this.#checkOpen(entry)
    const slot = this.#slots.alone(entry)
    try {
      return await inspect(await slot.get(this.#host.config.startTimeoutMs), this.#host.config)
    } finally {
      await this.#slots.release(slot)
    }
  }

  endStarts(): void {
    this.#slots.endStarts()
  }

  close(): Promise<void> {
    this.#closing ??= this.#slots.close().finally(() => this.#host.close())
    return this.#closing
  }

  #partsOf(mount: MountFacts, services: BackendServices): InstanceParts {
    const { clock, hostVersion, maxMessageBytes, random, startTimeoutMs, storage: limits } = this.#host.config
    const { storage: store } = services
    return {
      mount,
      services,
      storage: new MountStorage({ store, limits, maxListBytes: maxMessageBytes, clock, random }),
      hostVersion,
      random,
      stepTimeoutMs: startTimeoutMs,
    }
  }

  #checkOpen({ name }: CatalogEntry): void {
    if (this.#closing === undefined) return
    throw failure('ERR_PORTCULLIS_PLUGIN_UNAVAILABLE', { plugin: name }, 'the plugin host is closed')
  }
}
