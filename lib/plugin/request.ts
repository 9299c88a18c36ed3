import type { JsonObject } from '../model/json.ts'
import type { PluginLog, PluginSystem } from './host.ts'
import type { PluginStorage } from './storage.ts'

/** One mount of a plugin: the same object for as long as it is mounted, so it can be a key ({@link perMount}). */
export interface Mount {
  /** Stable for the life of the mount. Empty while a server only asks what the plugin is. */
  readonly uuid: string
  /** Options of the mount, such as `version`. */
  readonly options: Readonly<Record<string, string>>
  /** Names as in the catalog; the version is empty for an unversioned entry. */
  readonly pluginName: string
  readonly pluginVersion: string
  readonly storage: PluginStorage
  readonly system: PluginSystem
  readonly log: PluginLog
}

/** Who asks, as far as a server tells its plugins. */
export interface Caller {
  readonly displayName: string
  /** Empty where there is none. */
  readonly entityId: string
  /** Accessor of the caller's token. Sensitive. */
  readonly accessor: string
  /** Salted hash of the caller's token: the same for the same token on this mount. */
  readonly tokenHash: string
  /** Empty where it is not known. */
  readonly remoteAddress: string
}

/** What every handler gets. */
export interface Context {
  readonly mount: Mount
  readonly storage: PluginStorage
  readonly system: PluginSystem
  readonly log: PluginLog
  /** Aborts when the caller is gone or the host's time limit has passed. */
  readonly signal: AbortSignal
  /** Where it is mounted, with trailing slash. */
  readonly mountPath: string
}

/** One request on a path. */
export interface PluginRequest<
  Fields = JsonObject,
  Parameters extends Readonly<Record<string, string | undefined>> = Readonly<Record<string, string>>,
> extends Context {
  /** Id that the server's audit log knows it by. */
  readonly id: string
  readonly operation:
    | 'create'
    | 'read'
    | 'update'
    | 'patch'
    | 'delete'
    | 'list'
    | 'scan'
    | 'alias-lookahead'
    | 'resolve-role'
  /** Below the mount. */
  readonly path: string
  /** Fields of the path, read and checked by its schema. */
  readonly fields: Fields
  /** Parameters of the path, as they stand in it. */
  readonly params: Parameters
  /** Body or query as it was sent, unchecked and frozen. */
  readonly data: JsonObject
  /** Those that the mount lets through; names in canonical form, such as `X-Forwarded-For`. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly caller: Caller
  /** Wrapping that the caller asked for; 0 for none. */
  readonly wrapTtlMs: number
}

/** State that a plugin keeps for each mount: made when first asked for, dropped with the mount. */
export type PerMount<T> = (of: Mount | { readonly mount: Mount }) => T

/**
 * Keeps one value for each mount, since one process can serve many.
 *
 * @example
 * const caches = perMount(() => new Map<string, string>())
 * const read = (request: PluginRequest) => data({ hits: caches(request).size })
 */
export function perMount<T>(create: (mount: Mount) => T): PerMount<T> {
  const values = new WeakMap<Mount, { readonly value: T }>()
  return (of) => {
    const mount = 'mount' in of ? of.mount : of
    const kept = values.get(mount)
    if (kept !== undefined) return kept.value
    const value = create(mount)
    values.set(mount, { value })
    return value
  }
}
