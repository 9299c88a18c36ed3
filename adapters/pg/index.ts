import pg, { type Pool, type PoolClient, type PoolConfig } from 'pg'
import type { Answer, Lease } from 'portcullis'
import { Generation } from './generation.ts'
import { Turns } from './turns.ts'

/** What a database role gives: user and password, both replaced on rotation. */
export interface Credential {
  readonly username: string
  readonly password: string
}

/** Options of `pg.Pool`, without those that say who logs in: the lease says it. */
export type LeasedPoolOptions = Omit<PoolConfig, 'user' | 'password' | 'connectionString'>

/**
 * A `pg.Pool` whose user and password follow `lease`.
 *
 * On rotation the successor is proved by one connection before it becomes current; new connections use
 * it from then on, idle ones of the predecessor are closed, and those in use when they are released. Only
 * then is the predecessor given back. `max` bounds the connections of both together, and the proof is one more.
 * A login that PostgreSQL refuses makes the lease be looked up, once for all who wait, and is tried once more.
 * `end()` leaves the lease open: who opened it closes it, after the pool.
 *
 * @param lease - Lease of a user and a password; `gateway.database().lease()` or alike.
 * @param options - As `pg.Pool` takes them. Name `database`: its default is the user's name, which rotates.
 * @throws {TypeError} `lease` is none, an answer for instance; or `options` says who logs in: `user`, `password`, `connectionString`.
 * @throws {LeaseError} `lease` has ended.
 *
 * @example
 * const pool = leasedPool(lease, { host: 'db', database: 'orders', max: 10 })
 * await pool.query('SELECT 1')
 */
export function leasedPool(lease: Lease<Credential>, options: LeasedPoolOptions = {}): Pool {
  for (const name of ['user', 'password', 'connectionString'] as const)
    if (Object.hasOwn(options, name))
      throw new TypeError(`options.${name} must be left out: the lease says who logs in`)
  // A mistake easily made in JavaScript: the answer of `read()` has the credential too, but nothing to follow.
  if (typeof lease?.onRotate !== 'function') throw new TypeError('lease must be what gateway.lease() resolves to')
  return new LeasedPool(lease, options)
}

type Connected = (error: Error | undefined, client: PoolClient | undefined, done: PoolClient['release']) => void

class LeasedPool extends pg.Pool {
  readonly #lease: Lease<Credential>
  readonly #turns: Turns
  readonly #generations = new Set<Generation>()
  #current: Generation
  #staged: Generation | undefined
  #end: Promise<void> | undefined
  readonly #unhook: () => void
  readonly #onEnded = (): void => void this.#current.retire()

  static {
    const sum = (count: 'totalCount' | 'idleCount' | 'expiredCount'): PropertyDescriptor => ({
      get(this: LeasedPool): number {
        return [...this.#generations].reduce((all, { pool }) => all + pool[count], 0)
      },
    })
    // Accessors in pg-pool, but its types say properties, which accessors of a class may not override.
    Object.defineProperties(LeasedPool.prototype, {
      totalCount: sum('totalCount'),
      idleCount: sum('idleCount'),
      expiredCount: sum('expiredCount'),
      waitingCount: {
        get(this: LeasedPool): number {
          return this.#turns.waiting
        },
      },
    })
  }

  constructor(lease: Lease<Credential>, options: LeasedPoolOptions) {
    super(options)
    this.#lease = lease
    this.#turns = new Turns(this.options.max, this.options.connectionTimeoutMillis ?? 0)
    this.#current = this.#generation(lease.current().data)
    this.#unhook = lease.onRotate({
      prepare: (next) => this.#prepare(next),
      commit: (previous) => this.#commit(previous),
    })
    lease.on('ended', this.#onEnded)
  }

  override connect(): Promise<PoolClient>
  override connect(callback: Connected): void
  override connect(callback?: Connected): Promise<PoolClient> | undefined {
    const client = this.#checkOut()
    if (callback === undefined) return client
    void client.then(
      (client) => callback(undefined, client, client.release),
      (error: Error) => callback(error, undefined, () => {}),
    )
    return undefined
  }

  /** Refuses those who wait, and resolves when all connections are closed. Idempotent, unlike that of `pg.Pool`. */
  override end(): Promise<void>
  override end(callback: () => void): void
  override end(callback?: () => void): Promise<void> | undefined {
    this.#end ??= this.#close()
    if (callback === undefined) return this.#end
    void this.#end.then(callback)
    return undefined
  }

  async #checkOut(): Promise<PoolClient> {
    if (this.ending) throw endedError()
    await this.#turns.take()
    try {
      return this.#giveTurnOnRelease(await this.#connect())
    } catch (error) {
      this.#turns.give()
      throw error
    }
  }

  #giveTurnOnRelease(client: PoolClient): PoolClient {
    const release = client.release
    client.release = (error) => {
      release(error)
      this.#turns.give()
    }
    return client
  }

  async #connect(): Promise<PoolClient> {
    const live = this.#liveSoon()
    // Nothing may come between the choice of a generation and its connection.
    const tried = live instanceof Promise ? await live : live
    try {
      return await tried.connect()
    } catch (error) {
      if (!isRefusal(error) || !(await this.#doubt(tried))) throw error
      return await this.#live().connect()
    }
  }

  /** The same, also where the last credential ended before its successor came, as on a machine that stood still. */
  #liveSoon(): Generation | Promise<Generation> {
    const { generation } = this.#lease
    try {
      return this.#live()
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'ERR_PORTCULLIS_LEASE_EXPIRED') throw error
      return this.#lease.doubt(generation).then(() => this.#live())
    }
  }

  /** The generation that is current at the lease, even if nobody has told us yet. */
  #live(): Generation {
    if (this.ending) throw endedError()
    const { data } = this.#lease.current()
    if (this.#current.number !== this.#lease.generation || this.#current.isRetired) this.#turnTo(data)
    return this.#current
  }

  #turnTo(credential: Credential): void {
    const staged = this.#staged
    this.#staged = undefined
    void this.#current.retire()
    if (staged?.isFor(credential)) {
      staged.number = this.#lease.generation
      this.#current = staged
    } else {
      void staged?.retire()
      this.#current = this.#generation(credential)
    }
  }

  /** Can a refused login be tried again? */
  #doubt(tried: Generation): Promise<boolean> | boolean {
    if (this.#lease.generation !== tried.number) return true
    tried.doubt ??= this.#lease
      .doubt(tried.number)
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        tried.doubt = undefined
      })
    return tried.doubt
  }

  async #prepare(next: Answer<Credential>): Promise<void> {
    // Of a rotation that was given up.
    void this.#staged?.retire()
    const staged = this.#generation(next.data)
    this.#staged = staged
    try {
      const client = await staged.connect()
      client.release()
    } catch (error) {
      if (this.#staged === staged) this.#staged = undefined
      await staged.retire()
      throw error
    }
  }

  async #commit(previous: Answer<Credential>): Promise<void> {
    this.#live()
    const old = [...this.#generations].filter((one) => one !== this.#current && one.isFor(previous.data))
    await Promise.all(old.map((one) => one.retire()))
  }

  #generation(credential: Credential): Generation {
    const options = { ...this.options, user: credential.username, password: credential.password }
    const generation = new Generation(this, new pg.Pool(options), this.#lease.generation)
    this.#generations.add(generation)
    void generation.retired.then(() => this.#generations.delete(generation))
    return generation
  }

  async #close(): Promise<void> {
    // Read-only to others; the flags are those of `pg.Pool`.
    Object.assign(this, { ending: true })
    this.#unhook()
    this.#lease.off('ended', this.#onEnded)
    this.#turns.refuse(endedError())
    await Promise.all([...this.#generations].map((one) => one.retire()))
    Object.assign(this, { ended: true })
  }
}

function endedError(): Error {
  return new Error('Cannot use a pool after calling end on the pool')
}

/** Did PostgreSQL refuse the login itself? 28P01: invalid_password, 28000: invalid_authorization_specification. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '28P01' || error.code === '28000')
}
