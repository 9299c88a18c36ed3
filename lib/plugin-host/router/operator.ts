import { PluginError } from '../../errors/index.ts'
import type { JsonObject } from '../../model/json.ts'
import type { CatalogEntry, Inspection, Isolation, Plugins, PluginType } from '../process/plugins.ts'
import type { Backends } from './backends.ts'
import type { Catalog, Pin } from './catalog.ts'
import type { Tell } from './events.ts'
import type { Leases } from './leases.ts'
import type { Mount } from './mount.ts'
import { mountChangeOf, mountSpecOf } from './mount-spec.ts'
import type { MountTable } from './mount-table.ts'
import type { Mounts } from './mounts.ts'
import { describedAll } from './own/mounts.ts'
import type { OwnRequests } from './own-requests.ts'
import { Refusal, refuse } from './refusal.ts'
import type { PluginSpec, Register } from './register.ts'
import { pathBelow } from './requests.ts'

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
  /** A new process, once the calls in flight are through. */
  reload(path: string): Promise<void>
  /** Runs another version from now on; the mount's storage stays. Gives the version before, to roll back to. */
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

export interface OperatorDeps {
  readonly catalog: Catalog
  readonly register: Register
  readonly plugins: Plugins
  readonly table: MountTable
  readonly mounts: Mounts
  readonly backends: Backends
  readonly leases: Leases
  readonly ownRequests: Pick<OwnRequests, 'help'>
  readonly tell: Tell
}

export function createOperator(deps: OperatorDeps): Operator {
  const { catalog, mounts, table, leases } = deps
  return {
    register: (plugin) => spoken(() => deps.register(plugin)),
    unregister: (type, name, version = '') =>
      spoken(async () => {
        await catalog.remove(type, name, version)
        deps.tell('plugin-removed', { plugin: name })
      }),
    plugins: () => catalog.all(),
    inspect: (type, name, version = '') =>
      spoken(async () => {
        const entry = catalog.find(type, name, version) ?? (version === '' ? catalog.choose(type, name) : undefined)
        if (entry === undefined) throw refuse(400, `plugin not found in the catalog: ${name}`)
        return deps.plugins.inspect(entry)
      }),
    pin: (type, name, version) => spoken(() => catalog.pin(type, name, version)),
    unpin: (type, name) => spoken(() => catalog.unpin(type, name)),
    pins: () => catalog.pins(),
    mount: (path, options) =>
      spoken(async () => {
        await mounts.enable(kindOf(path), canonical(path), mountSpecOf(dataOf(options)))
      }),
    unmount: (path) => spoken(() => mounts.disable(canonical(path))),
    tune: (path, changes) => spoken(() => mounts.tune(canonical(path), mountChangeOf(changeOf(changes)))),
    remount: (from, to) => spoken(() => mounts.move(canonical(from), canonical(to))),
    mounts: () => ({ secret: describedAll(deps, 'secret'), auth: describedAll(deps, 'auth') }),
    reload: (path) => spoken(() => mounts.reload(found(table, path))),
    upgrade: (path, version) =>
      spoken(async () => {
        const mount = found(table, path)
        const before = mount.record.version
        await mounts.tune(canonical(path), { version, config: {} })
        await mounts.reload(mount)
        return before
      }),
    help: (path) =>
      spoken(async () => {
        const mount = table.of(path.endsWith('/') ? path : `${path}/`) ?? table.of(path)
        if (mount === undefined) throw refuse(400, `no mount at ${JSON.stringify(path)}`)
        return deps.ownRequests.help(mount, pathBelow(mount, 'help', path))
      }),
    leases: (prefix = '') => leases.below(prefix).map(({ id }) => id),
    revoke: (prefix) => {
      for (const lease of leases.below(prefix)) leases.revokeSoon(lease)
    },
    dangerouslyForget: async (prefix) => {
      for (const lease of leases.below(prefix)) await leases.drop(lease)
    },
  }
}

/** Refusals in the server's words are for requests; in the process they are errors as any. */
export async function spoken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new PluginError('ERR_PORTCULLIS_PLUGIN_INVALID', error.errors[0]?.trim() ?? 'nothing is there')
  }
}

function found(table: MountTable, path: string): Mount {
  const mount = table.at(canonical(path))
  if (mount === undefined) throw refuse(400, `no mount at ${JSON.stringify(canonical(path))}`)
  return mount
}

function canonical(path: string): string {
  return `${path.replace(/\/+$/, '')}/`
}

function kindOf(path: string): 'secret' | 'auth' {
  return path.startsWith('auth/') ? 'auth' : 'secret'
}

/** As the body of `sys/mounts/…`. A plugin of any name may be told a version: the host has no engines of its own to protect. */
function dataOf({ type, version = '', description = '', options = {}, ...ttls }: MountOptions): JsonObject {
  return { type, description, options, allow_version: true, config: { plugin_version: version, ...ttlsOf(ttls) } }
}

function changeOf({ version, description, options, ...ttls }: MountChanges): JsonObject {
  return {
    ...ttlsOf(ttls),
    ...(version === undefined ? {} : { plugin_version: version }),
    ...(description === undefined ? {} : { description }),
    ...(options === undefined ? {} : { options }),
  }
}

function ttlsOf({
  defaultLeaseTtlMs,
  maxLeaseTtlMs,
}: Pick<MountOptions, 'defaultLeaseTtlMs' | 'maxLeaseTtlMs'>): JsonObject {
  return {
    ...(defaultLeaseTtlMs === undefined ? {} : { default_lease_ttl: defaultLeaseTtlMs / 1000 }),
    ...(maxLeaseTtlMs === undefined ? {} : { max_lease_ttl: maxLeaseTtlMs / 1000 }),
  }
}

/** How strongly plugins are kept apart where nothing is said. */
export const DEFAULT_ISOLATION: Isolation = 'crash'
