/** What a host does by itself, or for an operator. Everything that callers ask passes the gateway and its audit; this is the rest. */
export type HostEventName =
  | 'plugin-registered'
  | 'plugin-removed'
  | 'plugin-started'
  | 'plugin-crashed'
  | 'plugin-start-failed'
  | 'mount-enabled'
  | 'mount-disabled'
  | 'mount-tuned'
  | 'mount-moved'
  | 'mount-reloaded'
  | 'lease-expired'
  | 'lease-revoked'
  | 'lease-revoke-failed'
  | 'lease-irrevocable'
  | 'lease-dropped'
  | 'token-expired'
  | 'token-revoked'
  | 'rollback-failed'
  | 'plugin-event'
  | 'work-failed'

/**
 * What a plugin said that happened on its mount, such as `kv-v2/data-write`.
 *
 * Its own words, which nobody has looked at: the plugins of the field name paths and versions there, no secrets; another may put anything there.
 */
export interface PluginEvent {
  readonly type: string
  /** Its texts, numbers and booleans; at most 32, each text cut at 512 characters. */
  readonly metadata: Readonly<Record<string, string | number | boolean>>
  /** Events of the mount since it was opened, this one included. A gap: more came than are told in a second, 1,000. */
  readonly count: number
}

/** One of them. Holds no secret: no lease id, no token, and no words of a plugin but in `event`. */
export interface HostEvent {
  readonly name: HostEventName
  /** Path of the mount, or the path that was read; empty where none is concerned. */
  readonly path: string
  /** Name of the plugin; empty where none is concerned. */
  readonly plugin: string
  /** Code of the error, or the kind of a plugin's; empty where nothing failed. */
  readonly code: string
  /** Tries so far, or failures in a row; 0 where it is no matter of them. */
  readonly attempts: number
  /** Of `plugin-event` alone. */
  readonly event?: PluginEvent
}

/** Tells an event; what is left out is empty. */
export type Tell = (name: HostEventName, facts?: Partial<Omit<HostEvent, 'name'>>) => void

/** Tells `listener`, whose own failures concern nobody here. */
export function createTell(listener: ((event: HostEvent) => void) | undefined): Tell {
  if (listener === undefined) return () => undefined
  return (name, facts = {}) => {
    try {
      listener(Object.freeze({ name, path: '', plugin: '', code: '', attempts: 0, ...facts }))
    } catch {
      // Who is told has failed; the host's work goes on.
    }
  }
}

/** What an error may be called in an event. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown'
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : 'unknown'
}
