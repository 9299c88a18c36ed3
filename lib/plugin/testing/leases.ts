import type { BackendSecret } from '../../model/backend.ts'
import type { Instance } from '../instance.ts'
import type { InstanceRequest } from '../instance-request.ts'
import { type Outcome, outcomeOf } from './outcome.ts'

/** A lease that the harness keeps, as a server would. */
export interface TestLease {
  readonly id: string
  readonly path: string
  /** Reading of the harness's own clock. */
  readonly endsAtMs: number
  readonly secret: BackendSecret
}

/** How the leases of the harness are made of requests. */
export interface LeaseHost {
  readonly instance: Instance
  readonly request: (operation: string, path: string, data: string) => InstanceRequest
  readonly now: () => number
  readonly defaultTtlMs: number
  readonly maxTtlMs: number
}

interface Kept extends TestLease {
  readonly issuedAtMs: number
  readonly data: string
}

/** Leases of a mount under test: issued, renewed, revoked, and revoked when they end. */
export class TestLeases {
  readonly #host: LeaseHost
  readonly #kept = new Map<string, Kept>()
  #next = 1

  constructor(host: LeaseHost) {
    this.#host = host
  }

  list(): readonly TestLease[] {
    return [...this.#kept.values()].map(({ id, path, endsAtMs, secret }) => ({ id, path, endsAtMs, secret }))
  }

  issue(path: string, secret: BackendSecret, data: string): { readonly id: string; readonly ttlMs: number } {
    const id = `${path}/lease-${this.#next}`
    this.#next += 1
    const issuedAtMs = this.#host.now()
    const ttlMs = this.#ttlOf(secret, issuedAtMs, 0)
    this.#kept.set(id, { id, path, secret, data, issuedAtMs, endsAtMs: issuedAtMs + ttlMs })
    return { id, ttlMs }
  }

  async renew(id: string, incrementMs: number): Promise<Outcome> {
    const lease = this.#get(id)
    const outcome = await this.#renewed(lease, incrementMs)
    return outcome
  }

  async #renewed(lease: Kept, incrementMs: number): Promise<Outcome> {
    const { id, path, data, issuedAtMs } = lease
    const secret = { ...lease.secret, incrementMs, issuedAtMs, leaseId: '' }
    const reply = await this.#host.instance.handle({ ...this.#host.request('renew', path, data), secret }, CALL)
    const outcome = outcomeOf(reply, 'renew')
    const granted = reply.response?.secret
    if (granted === undefined || outcome.errors.length > 0) return outcome
    const ttlMs = this.#ttlOf(granted, issuedAtMs, incrementMs)
    const endsAtMs = this.#host.now() + ttlMs
    this.#kept.set(id, { ...lease, secret: granted, data: reply.response?.data ?? 'null', endsAtMs })
    return { ...outcome, lease: { id, ttlMs, renewable: granted.renewable } }
  }

  async revoke(id: string): Promise<Outcome> {
    const lease = this.#get(id)
    const secret = { ...lease.secret, incrementMs: 0, issuedAtMs: lease.issuedAtMs, leaseId: id }
    const request = { ...this.#host.request('revoke', lease.path, lease.data), secret }
    const outcome = outcomeOf(await this.#host.instance.handle(request, CALL), 'revoke')
    if (outcome.errors.length === 0) this.#kept.delete(id)
    return outcome
  }

  /** Revokes what has ended; what cannot be revoked stays, as a server keeps it for another try. */
  async expire(): Promise<void> {
    for (const { id, endsAtMs } of this.list()) if (endsAtMs <= this.#host.now()) await this.revoke(id)
  }

  #get(id: string): Kept {
    const lease = this.#kept.get(id)
    if (lease === undefined) throw new RangeError('there is no lease of that id')
    return lease
  }

  #ttlOf(secret: BackendSecret, issuedAtMs: number, incrementMs: number): number {
    const { defaultTtlMs, maxTtlMs } = this.#host
    const most = secret.maxTtlMs > 0 ? Math.min(secret.maxTtlMs, maxTtlMs) : maxTtlMs
    const wanted = incrementMs > 0 ? incrementMs : secret.ttlMs > 0 ? secret.ttlMs : defaultTtlMs
    return Math.min(wanted, issuedAtMs + most - this.#host.now())
  }
}

const CALL = { signal: new AbortController().signal }
