import type { TransportEvent } from '../../ports/transport.ts'
import type { HostEvent, HostEventName } from './events.ts'

/** What of a host's events belongs into the audit of the gateways over it, and what it is called there. */
const NAMES: Partial<Record<HostEventName, TransportEvent['name']>> = {
  'plugin-registered': 'plugin.registered',
  'plugin-removed': 'plugin.removed',
  'plugin-started': 'plugin.started',
  'plugin-crashed': 'plugin.crashed',
  'plugin-start-failed': 'plugin.start_failed',
  'mount-enabled': 'mount.enabled',
  'mount-disabled': 'mount.disabled',
  'mount-tuned': 'mount.tuned',
  'mount-moved': 'mount.moved',
  'mount-reloaded': 'mount.reloaded',
}

/** Kept for the first who listens: a host is there, and has started plugins, before any gateway is. */
export const ANNOUNCEMENTS_KEPT = 100

type Listener = (event: TransportEvent) => void

/** Passes on what a host does with plugins and mounts. */
export class Announcements {
  readonly #listeners = new Set<Listener>()
  /** `undefined` once somebody has listened. */
  #kept: TransportEvent[] | undefined = []

  tell({ name: hostName, path, plugin, code, attempts }: HostEvent): void {
    const name = NAMES[hostName]
    if (name === undefined) return
    const detail = {
      ...(path === '' ? {} : { path }),
      ...(plugin === '' ? {} : { plugin }),
      ...(code === '' ? {} : { code }),
      ...(attempts === 0 ? {} : { attempts }),
    }
    const event = Object.freeze({ name, detail: Object.freeze(detail) })
    for (const listener of this.#listeners) listener(event)
    if (this.#kept !== undefined && this.#kept.length < ANNOUNCEMENTS_KEPT) this.#kept.push(event)
  }

  /** Gives the function that ends it. What happened before anyone listened is told first, to whoever comes first. */
  listen(listener: Listener): () => void {
    const kept = this.#kept ?? []
    this.#kept = undefined
    for (const event of kept) listener(event)
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
