import type { BackendSecret } from '../../model/backend.ts'
import { type Context, dueOfSpan, wallTimeFor } from './context.ts'
import { codeOf } from './events.ts'
import { Lease, type LeaseRecord } from './lease.ts'
import { createLimiter } from './limiter.ts'
import { hashOf, randomName } from './names.ts'
import { type NewLease, unstored } from './new-lease.ts'
import { Refusal, refuse } from './refusal.ts'
import type { Tokens } from './tokens.ts'
import { grantedTtl, type TtlTerms } from './ttl.ts'

/** A plugin's answer to a revocation: well, or why not. `isFinal`: no repeat will change it. */
export type Revoked =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly isFinal: boolean; readonly detail: string }

/** A plugin's answer to a renewal. Without `secret` nothing changes. */
export interface Renewed {
  readonly secret: BackendSecret | undefined
  /** JSON text. */
  readonly data: string
  readonly warnings: readonly string[]
}

/** Who carries renewals and revocations to the plugin of a lease. */
export interface LeaseBackends {
  /** Never rejects. */
  revoke(record: LeaseRecord): Promise<Revoked>
  /** @throws {Refusal} the plugin refused; {PluginError}. */
  renew(record: LeaseRecord, incrementMs: number): Promise<Renewed>
  /** TTLs of the mount. `undefined`: it is gone. */
  limits(mountUuid: string): Pick<TtlTerms, 'defaultTtlMs' | 'maxTtlMs'> | undefined
}

/** A lease with the time it was just given. */
export interface GrantedLease {
  readonly lease: Lease
  readonly ttlMs: number
  readonly warnings: readonly string[]
}

/** Revocations at once, of one mount. */
const REVOCATIONS_AT_ONCE = 8
/** Failures after which a lease is left to an operator. */
export const MAX_ATTEMPTS = 6
const RETRY_BASE_MS = 10_000
const FOLDER = 'core/lease/'

/** The leases of a host: stored before they are told, found again after a restart, revoked at their end. */
export class Leases {
  readonly #context: Context
  readonly #backends: LeaseBackends
  readonly #tokens: Tokens
  readonly #byId = new Map<string, Lease>()
  readonly #byOwner = new Map<string, Set<Lease>>()
  readonly #limiter = createLimiter(REVOCATIONS_AT_ONCE)
  readonly #working = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(context: Context, backends: LeaseBackends, tokens: Tokens) {
    this.#context = context
    this.#backends = backends
    this.#tokens = tokens
    tokens.onEnd(async (token) => {
      for (const lease of [...(this.#byOwner.get(token.hash) ?? [])]) this.#endSoon(lease)
    })
  }

  /** Reads what is stored. What ended meanwhile, or whose token did, is revoked as soon as the schedule runs. */
  async load(): Promise<void> {
    for (const [, record] of await this.#context.documents.all<LeaseRecord>(FOLDER)) {
      const lease = this.#keep(record)
      if (record.owner !== '' && this.#tokens.byHash(record.owner) === undefined) this.#endSoon(lease)
    }
  }

  get size(): number {
    return this.#byId.size
  }

  ids(): Iterable<string> {
    return this.#byId.keys()
  }

  /** The lease of that id, also where its revocation keeps failing. */
  find(id: string): Lease | undefined {
    return this.#byId.get(id)
  }

  ttlMs(lease: Lease): number {
    return lease.dueMs - this.#context.clock.now()
  }

  /** Stores a new lease. Where that fails the secret is given back to its plugin first. */
  async create(made: NewLease): Promise<GrantedLease> {
    const { clock, random, documents } = this.#context
    const nowMs = clock.wallTime()
    const { secret, owner } = made
    let record: LeaseRecord | undefined
    try {
      const granted = this.#granted(made.mountUuid, secret, 0, nowMs)
      const ownerEndMs = owner.record.type === 'batch' ? this.#tokens.ttlMs(owner) : Infinity
      const ttlMs = Math.max(1000, Math.min(granted.ttlMs, ownerEndMs))
      record = {
        id: `${made.path}/${randomName(random, 24)}`,
        path: made.path,
        below: made.below,
        mountUuid: made.mountUuid,
        owner: owner.record.type === 'batch' ? '' : owner.hash,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + ttlMs,
        renewedAtMs: null,
        isIrrevocable: false,
        // What it was given is what a renewal goes by that asks for no more.
        secret: { ...secret, ttlMs },
        data: made.data,
      }
      await documents.put(keyOf(record.id), record)
      const lease = this.#keep(record)
      // The token ended meanwhile, and did not know of this one.
      if (owner.isDead) this.#endSoon(lease)
      return { lease, ttlMs, warnings: granted.warnings }
    } catch (error) {
      await this.#giveBack(record ?? unstored(made, nowMs))
      throw error
    }
  }

  /**
   * Gives a secret that can be no lease back to its plugin, as a lease whose time has come: tried again until it is
   * done. Never rejects.
   */
  async discard(made: Omit<NewLease, 'owner'>): Promise<void> {
    const { clock, random, documents } = this.#context
    const record = { ...unstored(made, clock.wallTime()), id: `${made.path}/${randomName(random, 24)}` }
    try {
      await documents.put(keyOf(record.id), record)
      this.#endSoon(this.#keep(record))
    } catch {
      await this.#giveBack(record)
    }
  }

  /** @throws {Refusal} 400 in the server's words. */
  async renew(id: string, incrementMs: number): Promise<GrantedLease> {
    const lease = this.#byId.get(id)
    if (lease === undefined) throw refuse(400, 'lease not found')
    this.#checkRenewable(lease)
    const record = await this.#recordOf(lease)
    const answer = await this.#backends.renew(record, incrementMs)
    if (lease.isEnding || lease.revocations > 0 || this.#byId.get(id) !== lease) throw refuse(400, 'lease not found')
    if (answer.secret === undefined) return { lease, ttlMs: this.ttlMs(lease), warnings: answer.warnings }
    const { clock } = this.#context
    const nowMs = wallTimeFor(clock, lease.expiresAtMs, lease.dueMs)
    const { ttlMs, warnings } = this.#granted(lease.mountUuid, answer.secret, incrementMs, nowMs, lease.issuedAtMs)
    const { data } = answer
    const secret = { ...answer.secret, ttlMs }
    const expiresAtMs = nowMs + ttlMs
    await this.#context.documents.put(keyOf(id), { ...record, secret, data, expiresAtMs, renewedAtMs: nowMs })
    lease.expiresAtMs = expiresAtMs
    lease.renewedAtMs = nowMs
    lease.renewable = secret.renewable
    this.#watch(lease, dueOfSpan(clock, lease))
    return { lease, ttlMs, warnings: [...answer.warnings, ...warnings] }
  }

  /** Ends a lease now. @throws {Refusal} 400: the plugin could not; the lease is as it was. */
  async revoke(lease: Lease, said = ''): Promise<void> {
    const outcome = await this.#try(lease)
    if (outcome.ok) return
    throw refuse(400, `${said}failed to revoke entry: ${outcome.detail}`)
  }

  /** Ends a lease as if its time had come: tried again until it is done, or irrevocable. */
  revokeSoon(lease: Lease): void {
    lease.isIrrevocable = false
    this.#endSoon(lease)
  }

  /** Forgets a lease, whatever its plugin says. */
  async drop(lease: Lease): Promise<void> {
    const outcome = await this.#try(lease)
    if (outcome.ok) return
    await this.#forget(lease)
    this.#context.tell('lease-dropped', { path: lease.path, code: outcome.code })
  }

  /** Leases whose id begins with `prefix` at a slash, or that one. */
  below(prefix: string): readonly Lease[] {
    const start = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    return [...this.#byId.values()].filter(({ id }) => id.startsWith(start) || id === prefix)
  }

  ofMount(mountUuid: string): readonly Lease[] {
    return [...this.#byId.values()].filter((lease) => lease.mountUuid === mountUuid)
  }

  /** Asks no plugin any more: what ends from now on is found at the next start. */
  close(): void {
    this.#isClosed = true
  }

  /** Waits for what is under way. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.allSettled(this.#working)
  }

  #checkRenewable(lease: Lease): void {
    if (lease.isIrrevocable) throw refuse(400, 'lease is expired and has failed previous revocation attempts')
    if (lease.isEnding || lease.revocations > 0 || this.ttlMs(lease) <= 0) throw refuse(400, 'lease expired')
    if (!lease.renewable) throw refuse(400, 'lease is not renewable')
  }

  #granted(mountUuid: string, secret: BackendSecret, incrementMs: number, nowMs: number, startMs = nowMs) {
    const limits = this.#backends.limits(mountUuid)
    if (limits === undefined) throw refuse(400, 'lease not found')
    if (secret.ttlMs < 0 || secret.maxTtlMs < 0) throw refuse(500, 'the plugin answered a lease of less than no time')
    return grantedTtl({
      ...limits,
      incrementMs,
      backendTtlMs: secret.ttlMs,
      backendMaxTtlMs: secret.maxTtlMs,
      periodMs: 0,
      explicitMaxTtlMs: 0,
      startMs,
      nowMs,
    })
  }

  #keep(record: LeaseRecord): Lease {
    const lease = new Lease(record, dueOfSpan(this.#context.clock, record))
    this.#byId.set(lease.id, lease)
    if (lease.owner !== '') {
      const owned = this.#byOwner.get(lease.owner) ?? new Set()
      this.#byOwner.set(lease.owner, owned.add(lease))
    }
    if (!lease.isIrrevocable) this.#watch(lease, lease.dueMs)
    return lease
  }

  #watch(lease: Lease, dueMs: number): void {
    lease.dueMs = dueMs
    this.#wake(lease, dueMs)
  }

  #wake(lease: Lease, atMs: number): void {
    if (lease.scheduled !== undefined) lease.scheduled.reschedule(atMs)
    else lease.scheduled = this.#context.schedule.at(atMs, () => this.#work(this.#expire(lease)))
  }

  #endSoon(lease: Lease): void {
    if (lease.isIrrevocable) return
    lease.isEnding = true
    this.#wake(lease, this.#context.clock.now())
  }

  #work(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.#working.delete(tracked))
    this.#working.add(tracked)
  }

  /** Never rejects. */
  async #expire(lease: Lease): Promise<void> {
    if (this.#byId.get(lease.id) !== lease) return
    const wasEnding = lease.isEnding
    lease.isEnding = true
    const outcome = await this.#try(lease, wasEnding ? 'lease-revoked' : 'lease-expired')
    if (outcome.ok || this.#isClosed || this.#byId.get(lease.id) !== lease) return
    lease.attempts += 1
    const facts = { path: lease.path, code: outcome.code, attempts: lease.attempts }
    this.#context.tell('lease-revoke-failed', facts)
    if (outcome.isFinal || lease.attempts >= MAX_ATTEMPTS) await this.#giveUp(lease, facts)
    else this.#wake(lease, this.#context.clock.now() + retryMs(lease.attempts, this.#context.random.fraction()))
  }

  async #giveUp(
    lease: Lease,
    facts: { readonly path: string; readonly code: string; readonly attempts: number },
  ): Promise<void> {
    lease.isIrrevocable = true
    this.#context.tell('lease-irrevocable', facts)
    try {
      await this.#context.documents.put(keyOf(lease.id), { ...(await this.#recordOf(lease)), isIrrevocable: true })
    } catch {
      // After a restart it is tried again, which does no harm.
    }
  }

  /** Never rejects. */
  async #try(lease: Lease, name: 'lease-revoked' | 'lease-expired' = 'lease-revoked'): Promise<Revoked> {
    lease.revocations += 1
    try {
      // Read when its turn comes: ten thousand that end at once are not all in memory.
      const outcome = await this.#limiter(lease.mountUuid, async () => this.#askedFor(lease))
      if (!outcome.ok) return outcome
      await this.#forget(lease)
      this.#context.tell(name, { path: lease.path })
      return outcome
    } catch (error) {
      // Revoked by another at the same time, and gone.
      if (error instanceof Refusal && this.#byId.get(lease.id) !== lease) return { ok: true }
      return { ok: false, code: codeOf(error), isFinal: false, detail: 'the storage failed' }
    } finally {
      lease.revocations -= 1
    }
  }

  async #askedFor(lease: Lease): Promise<Revoked> {
    if (this.#isClosed) return { ok: false, code: 'closed', isFinal: false, detail: 'the plugin host is closed' }
    return this.#backends.revoke(await this.#recordOf(lease))
  }

  async #forget(lease: Lease): Promise<void> {
    await this.#context.documents.remove(keyOf(lease.id))
    lease.scheduled?.cancel()
    if (this.#byId.get(lease.id) === lease) this.#byId.delete(lease.id)
    const owned = this.#byOwner.get(lease.owner)
    owned?.delete(lease)
    if (owned?.size === 0) this.#byOwner.delete(lease.owner)
  }

  async #recordOf(lease: Lease): Promise<LeaseRecord> {
    const record = await this.#context.documents.get<LeaseRecord>(keyOf(lease.id))
    if (record === undefined) throw refuse(400, 'lease not found')
    return record
  }

  /** A secret that could not become a lease would live for ever. */
  async #giveBack(record: LeaseRecord): Promise<void> {
    const outcome = await this.#backends.revoke(record)
    if (!outcome.ok) this.#context.tell('lease-revoke-failed', { path: record.path, code: outcome.code, attempts: 1 })
    // It may have been written all the same.
    await this.#context.documents.remove(keyOf(record.id)).catch(() => undefined)
  }
}

function keyOf(id: string): string {
  return FOLDER + hashOf(id)
}

function retryMs(attempts: number, fraction: number): number {
  return RETRY_BASE_MS * 2 ** (attempts - 1) * (0.5 + fraction)
}
