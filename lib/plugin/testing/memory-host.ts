import type { JsonObject } from '../../model/json.ts'
import type { HostServices, PluginLog, PluginSystem, StorageCalls } from '../host.ts'
import { compareBytes } from '../overlay.ts'
import { HostError } from '../refusal.ts'

/** A line that a plugin wrote. */
export interface LogLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, string | number | boolean>>
}

/** An event that a plugin sent. */
export interface SentEvent {
  readonly type: string
  readonly metadata: JsonObject
}

/** Options of a host in memory. */
export interface MemoryHostOptions {
  /** Default: 768 h, as the servers have it. */
  readonly defaultLeaseTtlMs?: number
  /** Default: 768 h. */
  readonly maxLeaseTtlMs?: number
  /** Whether it has transactions, as OpenBao has and Vault has not. Default: true. */
  readonly hasTransactions?: boolean
  /** By policy. Default: any name gives `password-of-<name>`. */
  readonly password?: (policy: string) => string
}

/** A host in memory: storage that can be looked at, what was logged, what was sent. */
export interface MemoryHost extends HostServices {
  /** All that is stored, by key. */
  readonly entries: Map<string, Uint8Array>
  readonly logged: readonly LogLine[]
  readonly events: readonly SentEvent[]
}

const DEFAULT_TTL_MS = 768 * 3_600_000

/** Makes a {@link MemoryHost}. */
export function createMemoryHost(options: MemoryHostOptions = {}): MemoryHost {
  const entries = new Map<string, Uint8Array>()
  const logged: LogLine[] = []
  const events: SentEvent[] = []
  return {
    entries,
    logged,
    events,
    storage: memoryStorage(entries, options.hasTransactions ?? true),
    system: memorySystem(options, events),
    log: memoryLog(logged),
  }
}

function memoryLog(logged: LogLine[]): PluginLog {
  const at =
    (level: LogLine['level']): PluginLog['info'] =>
    (message, fields = {}) => {
      logged.push({ level, message, fields })
    }
  return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** A transaction that is open: what it sees, and which keys it changed. */
interface Transaction {
  readonly view: Map<string, Uint8Array>
  readonly changed: Set<string>
}

function memoryStorage(entries: Map<string, Uint8Array>, hasTransactions: boolean): StorageCalls {
  const plain: Transaction = { view: entries, changed: new Set() }
  const open = new Map<string, Transaction>()
  let next = 1
  const of = (id: string): Transaction => {
    const transaction = id === '' ? plain : open.get(id)
    if (transaction === undefined) throw new HostError('pb.Storage', 'unknown transaction')
    return transaction
  }
  return {
    get: async (key, id) => of(id).view.get(key),
    put: async (key, value, _sealWrap, id) => {
      of(id).view.set(key, new Uint8Array(value))
      if (id !== '') of(id).changed.add(key)
    },
    delete: async (key, id) => {
      of(id).view.delete(key)
      if (id !== '') of(id).changed.add(key)
    },
    list: async (prefix, { after, limit }, id) => {
      const names = namesBelow(of(id).view.keys(), prefix).filter((name) => compareBytes(name, after) > 0)
      return limit === Infinity ? names : names.slice(0, limit)
    },
    begin: async () => {
      if (!hasTransactions) return undefined
      const id = `transaction-${next}`
      next += 1
      open.set(id, { view: new Map(entries), changed: new Set() })
      return id
    },
    commit: async (id) => {
      const { view, changed } = of(id)
      open.delete(id)
      for (const key of changed) {
        const value = view.get(key)
        if (value === undefined) entries.delete(key)
        else entries.set(key, value)
      }
    },
    rollback: async (id) => {
      open.delete(id)
    },
  }
}

function namesBelow(keys: Iterable<string>, prefix: string): readonly string[] {
  const names = new Set<string>()
  for (const key of keys) {
    if (!key.startsWith(prefix) || key === prefix) continue
    const rest = key.slice(prefix.length)
    const slash = rest.indexOf('/')
    names.add(slash === -1 ? rest : rest.slice(0, slash + 1))
  }
  return [...names].sort(compareBytes)
}

function memorySystem(options: MemoryHostOptions, events: SentEvent[]): PluginSystem {
  let wraps = 0
  return {
    defaultLeaseTtlMs: async () => options.defaultLeaseTtlMs ?? DEFAULT_TTL_MS,
    maxLeaseTtlMs: async () => options.maxLeaseTtlMs ?? DEFAULT_TTL_MS,
    isTainted: async () => false,
    wrap: async (_data, ttlMs) => {
      wraps += 1
      return {
        token: `wrapping-token-${wraps}`,
        accessor: `wrapping-accessor-${wraps}`,
        ttlMs,
        createdAtMs: 0,
        creationPath: 'sys/wrapping/wrap',
      }
    },
    password: async (policy) => (options.password ?? ((name: string) => `password-of-${name}`))(policy),
    entity: async () => undefined,
    groups: async () => [],
    serverVersion: async () => '0.0.0-test',
    clusterId: async () => '00000000-0000-4000-8000-000000000000',
    sendEvent: async (type, metadata) => {
      events.push({ type, metadata })
    },
  }
}
