import type { ProcessHost } from './host.ts'
import type { CatalogEntry } from './plugins.ts'
import { Slot } from './slot.ts'

/** Gives each user of a plugin its process: one for all where the plugin multiplexes, else one of its own. */
export class Slots {
  readonly #host: ProcessHost
  readonly #shared = new Map<string, Slot>()
  /** Of plugins that do not multiplex: taken by the first who came. */
  readonly #claimed = new WeakSet<Slot>()
  readonly #all = new Set<Slot>()
  #isEnding = false

  constructor(host: ProcessHost) {
    this.#host = host
  }

  /** With the process up, and counted as used: `release()` it. @throws {PluginError} as {@link Slot.get}. */
  async acquire(entry: CatalogEntry, timeoutMs: number): Promise<Slot> {
    const key = keyOf(entry)
    for (;;) {
      const slot = this.#shared.get(key) ?? this.#make(key, entry)
      slot.retain()
      try {
        const { multiplexes } = await slot.get(timeoutMs)
        if (multiplexes) return slot
        if (!this.#claimed.has(slot)) {
          this.#claimed.add(slot)
          if (this.#shared.get(key) === slot) this.#shared.delete(key)
          return slot
        }
      } catch (error) {
        await this.release(slot)
        throw error
      }
      await this.release(slot)
    }
  }

  /** Nobody more joins the process that runs. One that failed to start stays: its breaker must not be got around. */
  retire(entry: CatalogEntry): void {
    const key = keyOf(entry)
    if (this.#shared.get(key)?.running !== undefined) this.#shared.delete(key)
  }

  /** A process that nobody else shares. */
  alone(entry: CatalogEntry): Slot {
    const slot = this.#new(entry)
    slot.retain()
    return slot
  }

  /** Ends its process where nobody uses it any more. */
  async release(slot: Slot): Promise<void> {
    if (slot.users === 1) {
      const key = keyOf(slot.entry)
      // A slot whose start failed is kept: it remembers how often, and its breaker must not be got around.
      if (slot.running === undefined && this.#shared.get(key) === slot) return slot.leave()
      if (this.#shared.get(key) === slot) this.#shared.delete(key)
      this.#all.delete(slot)
    }
    await slot.release()
  }

  endStarts(): void {
    this.#isEnding = true
    for (const slot of this.#all) slot.endStart()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((slot) => slot.close()))
  }

  #make(key: string, entry: CatalogEntry): Slot {
    const slot = this.#new(entry)
    this.#shared.set(key, slot)
    return slot
  }

  #new(entry: CatalogEntry): Slot {
    const slot = new Slot(this.#host, entry)
    if (this.#isEnding) slot.endStart()
    this.#all.add(slot)
    return slot
  }
}

function keyOf(entry: CatalogEntry): string {
  const { name, type, version, command, args, env, sha256, isBuiltin, isolation } = entry
  const program = [command, args, env, isBuiltin, isolation]
  // Built-in plugins are told apart at their set-up, so that one process serves them all. A driver is another
  // program to its environment: other cookie, other protocol versions.
  if (isBuiltin) return JSON.stringify([type === 'database', ...program])
  return JSON.stringify([name, type, version, sha256, ...program])
}
