import { booleanOption, checkNames, numberOption, typed } from '../options/check.ts'
import type { Store } from '../ports/store.ts'
import type { PluginsOptions } from './process/config.ts'
import type { Isolation } from './process/plugins.ts'
import { SYSTEM_TTL_MS } from './router/duration.ts'
import type { HostEvent } from './router/events.ts'
import type { MountOptions } from './router/operator.ts'
import type { PluginSpec } from './router/register.ts'

/** What {@link createPluginHost} takes. */
export interface PluginHostOptions {
  /** Where everything is kept: what `createStorage()` opened. Closed with the host. */
  readonly storage: Store
  /** How plugin processes are run; `folder` is the one thing that has to be said. */
  readonly processes?: Omit<PluginsOptions, 'clock' | 'random' | 'onProcess'>
  /** Plugins that the catalog has to have; each is registered where it is not. Default: those that it has. */
  readonly plugins?: readonly PluginSpec[]
  /** Secrets engines that have to be there, by path; enabled where they are not, else left as they are. */
  readonly mounts?: Readonly<Record<string, MountOptions>>
  /** Auth methods that have to be there, by path without `auth/`. */
  readonly auths?: Readonly<Record<string, MountOptions>>
  /** How plugins are kept apart that say nothing themselves. Default `crash`. */
  readonly isolation?: Isolation
  /** TTL of leases and tokens where nothing else is said. Milliseconds, whole seconds. Default 768 h. */
  readonly defaultLeaseTtlMs?: number
  /** Longest TTL of a mount that sets none. Milliseconds, whole seconds. Default 768 h. */
  readonly maxLeaseTtlMs?: number
  /** Bytes of keys and values that one mount may store, in a million keys at most. Default 256 MiB. `Infinity`: not counted. */
  readonly maxStorageBytes?: number
  /** Each plugin does its periodic work once a minute. Off only for tests of something else. Default true. */
  readonly periodic?: boolean
  /** Is told what the host does by itself. Must not throw; what it throws is dropped. */
  readonly onEvent?: (event: HostEvent) => void
}

/** {@link PluginHostOptions}, checked and complete. */
export interface PluginHostConfig extends Required<Omit<PluginHostOptions, 'onEvent' | 'processes'>> {
  /** Checked by who runs them. */
  readonly processes: PluginHostOptions['processes']
  readonly onEvent: ((event: HostEvent) => void) | undefined
}

const NAMES: readonly (keyof PluginHostOptions)[] = [
  'storage',
  'processes',
  'plugins',
  'mounts',
  'auths',
  'isolation',
  'defaultLeaseTtlMs',
  'maxLeaseTtlMs',
  'maxStorageBytes',
  'periodic',
  'onEvent',
]
const MOUNT_NAMES = ['type', 'version', 'description', 'options', 'defaultLeaseTtlMs', 'maxLeaseTtlMs']
const PLUGIN_NAMES = ['name', 'type', 'version', 'command', 'args', 'env', 'sha256', 'isolation']
const ISOLATIONS: readonly unknown[] = ['crash', 'uid', 'sandbox']
/** How strongly plugins are kept apart where nothing is said. */
export const DEFAULT_ISOLATION: Isolation = 'crash'
/** Bytes that one mount may store. */
export const MAX_STORAGE_BYTES: number = 256 * 1024 * 1024

/** @throws {TypeError|RangeError} naming the option and what it got. */
export function resolvePluginHost(options: PluginHostOptions): PluginHostConfig {
  checkNames('createPluginHost()', options, NAMES)
  const { storage, onEvent, isolation = DEFAULT_ISOLATION } = options
  if (typeof storage?.get !== 'function' || typeof storage.write !== 'function')
    throw new TypeError(`storage must be a store such as createStorage() opens, got ${typed(storage)}`)
  if (onEvent !== undefined && typeof onEvent !== 'function')
    throw new TypeError(`onEvent must be a function, got ${typed(onEvent)}`)
  if (!ISOLATIONS.includes(isolation)) throw new TypeError(`isolation must be 'crash', 'uid' or 'sandbox'`)
  const ttl = { min: 1_000, max: Number.MAX_SAFE_INTEGER, integer: true }
  const maxLeaseTtlMs = numberOption('maxLeaseTtlMs', options.maxLeaseTtlMs, SYSTEM_TTL_MS, ttl)
  const fallback = Math.min(SYSTEM_TTL_MS, maxLeaseTtlMs)
  return Object.freeze({
    storage,
    processes: options.processes,
    plugins: checkedPlugins(options.plugins ?? []),
    mounts: checkedMounts('mounts', options.mounts ?? {}),
    auths: checkedMounts('auths', options.auths ?? {}),
    isolation,
    maxLeaseTtlMs,
    defaultLeaseTtlMs: numberOption('defaultLeaseTtlMs', options.defaultLeaseTtlMs, fallback, {
      ...ttl,
      max: maxLeaseTtlMs,
    }),
    maxStorageBytes: numberOption('maxStorageBytes', options.maxStorageBytes, MAX_STORAGE_BYTES, { min: 1024 }),
    periodic: booleanOption('periodic', options.periodic, true),
    onEvent,
  })
}

function checkedPlugins(plugins: unknown): readonly PluginSpec[] {
  if (!Array.isArray(plugins)) throw new TypeError(`plugins must be a list, got ${typed(plugins)}`)
  for (const [at, plugin] of plugins.entries()) {
    checkNames(`plugins[${at}]`, plugin, PLUGIN_NAMES)
    for (const name of ['name', 'type', 'command', 'sha256']) {
      if (typeof plugin[name] !== 'string') throw new TypeError(`plugins[${at}].${name} must be a string`)
    }
  }
  return Object.freeze([...plugins])
}

function checkedMounts(name: string, mounts: unknown): Readonly<Record<string, MountOptions>> {
  checkNames(name, mounts, Object.keys(mounts ?? {}))
  for (const [path, mount] of Object.entries(mounts as Record<string, MountOptions>)) {
    const place = `${name}[${JSON.stringify(path)}]`
    checkNames(place, mount, MOUNT_NAMES)
    if (typeof mount.type !== 'string') throw new TypeError(`${place}.type must be a string`)
  }
  return Object.freeze({ ...(mounts as Record<string, MountOptions>) })
}
