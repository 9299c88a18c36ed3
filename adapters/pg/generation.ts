import type { EventEmitter } from 'node:events'
import type { Pool, PoolClient } from 'pg'

/** The connections that one credential opened; what happens to them is told to `owner`. */
export class Generation {
  /** That of the lease. Not known before the credential is current. */
  number: number
  /** A look-up under way at the lease, shared by all whose login was refused. */
  doubt: Promise<boolean> | undefined
  readonly pool: Pool
  /** Resolves when it is retired and its last connection closed. */
  readonly retired: Promise<void>
  isRetired = false
  #resolveRetired: () => void = () => {}
  readonly #open = new Set<PoolClient>()
  readonly #connecting = new Set<Promise<PoolClient>>()

  constructor(owner: EventEmitter, pool: Pool, number: number) {
    this.number = number
    this.pool = pool
    this.retired = new Promise((resolve) => {
      this.#resolveRetired = resolve
    })
    pool.on('connect', (client) => this.#open.add(client))
    pool.on('remove', (client) => this.#open.delete(client))
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const)
      pool.on(event, (...told: unknown[]) => owner.emit(event, ...told))
    // Unheard, the end of an idle connection would end the process; the pool has let it go already.
    pool.on('error', (...told: unknown[]) => owner.listenerCount('error') > 0 && owner.emit('error', ...told))
  }

  isFor(credential: { readonly username: string; readonly password: string }): boolean {
    return this.pool.options.user === credential.username && this.pool.options.password === credential.password
  }

  async connect(): Promise<PoolClient> {
    const connecting = this.pool.connect()
    this.#connecting.add(connecting)
    try {
      return await connecting
    } finally {
      this.#connecting.delete(connecting)
    }
  }

  /** Closes idle connections now, and those in use when they are released. Idempotent; nothing may connect any more. */
  retire(): Promise<void> {
    if (!this.isRetired) {
      this.isRetired = true
      void this.#drain()
    }
    return this.retired
  }

  async #drain(): Promise<void> {
    // `pool.end()` forgets those who wait for a connection: they would wait for ever.
    await Promise.allSettled(this.#connecting)
    // It resolves when the connections are told to close.
    await this.pool.end()
    while (this.#open.size > 0) await new Promise((resolve) => this.pool.once('remove', resolve))
    this.#resolveRetired()
  }
}
