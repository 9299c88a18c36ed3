import { resolve } from 'node:path'
import { booleanOption, checkNames, numberOption, stringOption, typed } from '../../options/check.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Diagnostics } from '../../ports/diagnostics.ts'
import { NO_DIAGNOSTICS } from '../../ports/diagnostics.ts'
import type { Random } from '../../ports/random.ts'
import { systemClock } from '../../system/clock.ts'
import { systemRandom } from '../../system/random.ts'
import type { PluginLogEntry } from './log-entry.ts'
import type { StorageLimits } from './mount-storage.ts'
import type { UserRange } from './users.ts'

/** How plugin processes are run. */
export interface PluginsOptions {
  /** Folder of the host, mode 0700: copies of plugins, and records of their processes. Made where it is missing. */
  readonly folder: string
  /** From the start of a process to its handshake, and for each step of a set-up; milliseconds. Default: 60,000. */
  readonly startTimeoutMs?: number
  /** Memory of one process with all that it starts, in bytes; `Infinity` for no limit. Default: 1 GiB. */
  readonly maxMemoryBytes?: number
  /** Longest message of a plugin, and to one, in bytes. Default: 32 MiB. */
  readonly maxMessageBytes?: number
  /** Bytes. Defaults: keys 4 KiB, values 8 MiB. */
  readonly storage?: Partial<StorageLimits>
  /** Users for level `uid`, and for `sandbox` where the host is root. Default: none, so that level `uid` is refused. */
  readonly users?: UserRange
  /** May plugins in a sandbox use the network? Default: true, since most plugins are there to speak to something. */
  readonly sandboxNetwork?: boolean
  /** Files and folders that plugins in a sandbox may read besides the system's. Default: none. */
  readonly sandboxPaths?: readonly string[]
  /** Version that plugins are told of their host. Default: the Vault release whose protocol is spoken. */
  readonly hostVersion?: string
  /** What plugins log. Untrusted words, which can hold their secrets. Default: nobody listens. */
  readonly onLog?: (entry: PluginLogEntry) => void
  readonly diagnostics?: Diagnostics
  readonly onProcess?: (event: ProcessEvent) => void
  readonly clock?: Clock
  readonly random?: Random
}

/** {@link PluginsOptions}, checked and complete. */
export interface PluginsConfig extends Required<Omit<PluginsOptions, 'users' | 'onLog' | 'storage' | 'onProcess'>> {
  readonly storage: StorageLimits
  readonly users: UserRange | undefined
  readonly onLog: ((entry: PluginLogEntry) => void) | undefined
  readonly onProcess: (event: ProcessEvent) => void
}

/** What became of a process of a plugin. */
export interface ProcessEvent {
  readonly name: 'plugin-started' | 'plugin-crashed' | 'plugin-start-failed'
  readonly plugin: string
  /** Why it did not start: a code of ours; or which bound it broke. Empty where that is not known. */
  readonly code: string
  /** Failures in a row. */
  readonly attempts: number
}

/** Default of {@link PluginsOptions.startTimeoutMs}. */
export const START_TIMEOUT_MS = 60_000
/** Default of {@link PluginsOptions.maxMemoryBytes}. */
export const MAX_MEMORY_BYTES: number = 1024 ** 3
/** Default of {@link PluginsOptions.maxMessageBytes}. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024 ** 2
/** Default of {@link PluginsOptions.storage}. */
export const STORAGE_LIMITS: StorageLimits = Object.freeze({
  maxKeyBytes: 4096,
  maxValueBytes: 8 * 1024 ** 2,
})
/** Default of {@link PluginsOptions.hostVersion}. */
export const HOST_VERSION = '1.21.4'

const NAMES: readonly (keyof PluginsOptions)[] = [
  'folder',
  'startTimeoutMs',
  'maxMemoryBytes',
  'maxMessageBytes',
  'storage',
  'users',
  'sandboxNetwork',
  'sandboxPaths',
  'hostVersion',
  'onLog',
  'diagnostics',
  'onProcess',
  'clock',
  'random',
]
const LEAST_MEMORY = 32 * 1024 ** 2
const LAST_UID = 2 ** 31 - 1

/** @throws {TypeError|RangeError} naming the option. */
export function pluginsConfig(options: PluginsOptions): PluginsConfig {
  checkNames('createPlugins()', options, NAMES)
  if (options.folder === undefined) throw new TypeError('folder is needed')
  return Object.freeze({
    // Plugins are started in folders of their own.
    folder: resolve(stringOption('folder', options.folder, '')),
    startTimeoutMs: numberOption('startTimeoutMs', options.startTimeoutMs, START_TIMEOUT_MS, { min: 1 }),
    maxMemoryBytes: bytes('maxMemoryBytes', options.maxMemoryBytes, MAX_MEMORY_BYTES, LEAST_MEMORY),
    maxMessageBytes: bytes('maxMessageBytes', options.maxMessageBytes, MAX_MESSAGE_BYTES, 1024, 2 ** 31 - 1),
    storage: storageLimits(options.storage),
    users: userRange(options.users),
    sandboxNetwork: booleanOption('sandboxNetwork', options.sandboxNetwork, true),
    sandboxPaths: paths(options.sandboxPaths),
    hostVersion: stringOption('hostVersion', options.hostVersion, HOST_VERSION),
    onLog: options.onLog,
    diagnostics: options.diagnostics ?? NO_DIAGNOSTICS,
    onProcess: options.onProcess ?? ((): void => {}),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  })
}

function bytes(name: string, value: unknown, fallback: number, min: number, max = Infinity): number {
  return numberOption(name, value, fallback, { min, max, integer: true })
}

function storageLimits(limits: Partial<StorageLimits> = {}): StorageLimits {
  checkNames('storage', limits, Object.keys(STORAGE_LIMITS))
  const { maxKeyBytes, maxValueBytes } = limits
  return Object.freeze({
    maxKeyBytes: bytes('storage.maxKeyBytes', maxKeyBytes, STORAGE_LIMITS.maxKeyBytes, 1),
    maxValueBytes: bytes('storage.maxValueBytes', maxValueBytes, STORAGE_LIMITS.maxValueBytes, 1),
  })
}

function userRange(range: UserRange | undefined): UserRange | undefined {
  if (range === undefined) return undefined
  checkNames('users', range, ['first', 'count'])
  const whole = { min: 1, max: LAST_UID, integer: true }
  const first = numberOption('users.first', range.first, Number.NaN, whole)
  const count = numberOption('users.count', range.count, Number.NaN, { ...whole, max: LAST_UID - first })
  if (Number.isNaN(first) || Number.isNaN(count)) throw new TypeError('users needs first and count')
  return Object.freeze({ first, count })
}

function paths(list: readonly string[] = []): readonly string[] {
  if (!Array.isArray(list)) throw new TypeError(`sandboxPaths must be an array, got ${typed(list)}`)
  for (const path of list as readonly unknown[]) {
    if (typeof path !== 'string' || !path.startsWith('/')) throw new TypeError('sandboxPaths must hold absolute paths')
  }
  return Object.freeze([...list])
}
