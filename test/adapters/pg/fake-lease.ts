import type { Answer, Lease, LeaseEvents, RotationHandler } from 'portcullis'
import type { Credential } from 'portcullis/pg'
import type { Postgres } from '../../support/postgres.ts'

const FACTS = { status: 200, leaseId: 'database/creds/app/1', source: 'server', ageMs: 0, ttlMs: 60_000, verifiedMs: 0 }
const REST = { renewable: true, warnings: [], requestId: '', wrapped: undefined, auth: undefined, raw: undefined }
const DECISION = { effect: 'allow', reason: 'rule', policy: undefined, rule: undefined, message: '' }

/** A lease whose users really exist in `postgres`, and are dropped as soon as a rotation is committed. */
export class FakeLease implements Lease<Credential> {
  readonly postgres: Postgres
  /** Generations that were doubted, in order. */
  readonly doubts: number[] = []
  /** What a doubt does; default: rotates. */
  onDoubt: () => Promise<void> = () => this.rotate()
  generation = 1
  readonly #handlers = new Set<RotationHandler<Credential>>()
  readonly #ended = new Set<LeaseEvents['ended']>()
  #current: Credential
  #end: Error | undefined

  private constructor(postgres: Postgres, first: Credential) {
    this.postgres = postgres
    this.#current = first
  }

  static async take(postgres: Postgres): Promise<FakeLease> {
    return new FakeLease(postgres, await createUser(postgres))
  }

  get user(): string {
    return this.#current.username
  }

  /** How many listen to it. */
  get hooks(): number {
    return this.#handlers.size + this.#ended.size
  }

  current(): Answer<Credential> {
    if (this.#end !== undefined) throw this.#end
    return answerOf(this.#current)
  }

  /** Creates a user and hands it over; drops the old one, sessions and all, when nobody needs it any more. */
  async rotate(next?: Credential): Promise<void> {
    const successor = next ?? (await createUser(this.postgres))
    const previous = this.#current
    for (const handler of this.#handlers) await handler.prepare?.(answerOf(successor))
    this.#current = successor
    this.generation++
    for (const handler of this.#handlers) await handler.commit?.(answerOf(previous))
    if (previous.username !== successor.username) await dropUser(this.postgres, previous.username)
  }

  async doubt(generation: number): Promise<void> {
    this.doubts.push(generation)
    await this.onDoubt()
  }

  end(error: Error): void {
    this.#end = error
    for (const listener of this.#ended) listener({ how: 'lost' })
  }

  onRotate(handler: RotationHandler<Credential>): () => void {
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  on<E extends keyof LeaseEvents>(event: E, listener: LeaseEvents[E]): this {
    if (event === 'ended') this.#ended.add(listener as LeaseEvents['ended'])
    return this
  }

  off<E extends keyof LeaseEvents>(_event: E, listener: LeaseEvents[E]): this {
    this.#ended.delete(listener as LeaseEvents['ended'])
    return this
  }

  async close(): Promise<void> {}
}

export async function createUser(postgres: Postgres): Promise<Credential> {
  const credential = { username: `v-${crypto.randomUUID()}`, password: crypto.randomUUID() }
  await postgres.query(`CREATE ROLE "${credential.username}" LOGIN PASSWORD '${credential.password}'`)
  return credential
}

/** Cuts its sessions too, as a server that revokes a lease may. */
export async function dropUser(postgres: Postgres, user: string): Promise<void> {
  await postgres.query(`DROP ROLE IF EXISTS "${user}"`)
  await postgres.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [user])
  // Of a role that is gone, only the number is left.
  await postgres.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid NOT IN (SELECT oid FROM pg_roles)`,
  )
}

/** Users with a session, the superuser apart; one line a session. */
export async function sessions(postgres: Postgres): Promise<unknown[]> {
  const rows = await postgres.query(
    `SELECT usename FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename IS DISTINCT FROM 'postgres'`,
  )
  return rows.map((row) => row.usename)
}

function answerOf(data: Credential): Answer<Credential> {
  return { data, ...FACTS, ...REST, decision: DECISION } as Answer<Credential>
}
