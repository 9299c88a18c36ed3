import type { PluginError } from '../../errors/index.ts'
import type { JsonObject } from '../../model/json.ts'
import type { CatalogEntry, Inspection, PluginType } from '../process/plugins.ts'
import type { Pin } from './catalog.ts'
import type { PluginSpec } from './register.ts'

/** A mount as it is asked for. */
export interface MountOptions {
  /** Name of a plugin in the catalog. */
  readonly type: string
  /** Of the plugin. Default: the pinned, unversioned, highest or built-in one, in this order. */
  readonly version?: string
  readonly description?: string
  /** What the plugin is told, such as `{ version: '2' }` for kv. */
  readonly options?: Readonly<Record<string, string>>
  /** Of its leases and tokens; milliseconds, whole seconds. Default: the host's. */
  readonly defaultLeaseTtlMs?: number
  /** Default: the host's. */
  readonly maxLeaseTtlMs?: number
}

/** What of a mount is to be changed; what is left out stays. */
export type MountChanges = Partial<Omit<MountOptions, 'type'>>

/**
 * What an operator does, in the process. Registering a plugin is running code: who holds this object can do it.
 *
 * Paths are as in `sys/mounts`: `kv` or `kv/`; those of auth methods begin with `auth/`.
 * Calls reject with a {@link PluginError}: `ERR_PORTCULLIS_PLUGIN_INVALID` for what cannot be, others for what the plugin did.
 */
export interface Operator {
  /** Takes a plugin into the catalog; it is started once, in quarantine. The same one again changes nothing. */
  register(plugin: PluginSpec): Promise<CatalogEntry>
  /** Takes it out; mounts that run it run on until they are reloaded. */
  unregister(type: PluginType, name: string, version?: string): Promise<void>
  plugins(): readonly CatalogEntry[]
  /** Starts a registered plugin in quarantine, and tells what it is. */
  inspect(type: PluginType, name: string, version?: string): Promise<Inspection>
  /** Fixes the version that all mounts of a plugin run, from their next reload on. */
  pin(type: PluginType, name: string, version: string): Promise<void>
  unpin(type: PluginType, name: string): Promise<void>
  pins(): readonly Pin[]
  mount(path: string, options: MountOptions): Promise<void>
  /** Revokes its leases, ends its process and wipes its storage. */
  unmount(path: string): Promise<void>
  tune(path: string, changes: MountChanges): Promise<void>
  remount(from: string, to: string): Promise<void>
  /** By path, each as in `sys/mounts` and `sys/auth`. */
  mounts(): { readonly secret: JsonObject; readonly auth: JsonObject }
  /** A new process, once the calls in flight are through; other mounts of the plugin stay in the old one until they are reloaded, too. */
  reload(path: string): Promise<void>
  /** Runs another version from now on, or goes back where it does not come up; the mount's storage stays. Gives the version before, to roll back to. */
  upgrade(path: string, version: string): Promise<string>
  /** What a plugin says of a path below its mount, or of all its paths at the mount itself: `help`, `see_also`, `openapi`. Untrusted words. */
  help(path: string): Promise<JsonObject>
  /** Ids of leases that begin with `prefix`. */
  leases(prefix?: string): readonly string[]
  /** Ends leases below `prefix`; tried again until it is done. */
  revoke(prefix: string): void
  /** Forgets leases below `prefix`, whatever their plugins say: what they stand for may live on. */
  dangerouslyForget(prefix: string): Promise<void>
}
