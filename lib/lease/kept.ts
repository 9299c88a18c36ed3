import type { AuditResponse } from '../model/audit-entry.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { ServerAnswer } from '../model/server-answer.ts'

/** Readings of both clocks, taken together. */
export interface Moment {
  /** Monotonic. */
  readonly nowMs: number
  /** Wall clock: the second witness, since the monotonic one stands still while the machine sleeps. */
  readonly wallMs: number
}

/** What an answer is kept with. */
export interface KeptFacts {
  readonly request: GatewayRequest
  /** When the request was sent: the server counts from later, so the true end is not before ours. */
  readonly sentAt: Moment
  /** How long it lives from then: the earlier of the lease's and the session token's end. `Infinity` without a lease. */
  readonly livesMs: number
  /** Of the token that minted it, which takes its leases along when it dies. */
  readonly fate: { readonly isDead: boolean } | undefined
  /** Audit form of the answer, its HMACs computed once for all hits. */
  readonly audit: AuditResponse
}

// No static method: whoever holds an entry can reach its class, and must not be able to open it.
let open: (kept: Kept) => ServerAnswer

/**
 * An answer in the cache. lru-cache publishes its values on diagnostics channels, so the secret is
 * behind a private field and opened by {@link openKept} alone.
 */
export class Kept {
  readonly #answer: ServerAnswer
  readonly #facts: KeptFacts
  readonly #passed = new WeakSet<object>()
  /** Calls that were given it, or are about to be; 0 while all were refused. */
  taken = 0

  constructor(answer: ServerAnswer, facts: KeptFacts) {
    this.#answer = answer
    this.#facts = facts
  }

  get audit(): AuditResponse {
    return this.#facts.audit
  }

  get namespace(): string {
    return this.#facts.request.namespace
  }

  get path(): string {
    return this.#facts.request.path
  }

  /** Has it a lease? What has none is served only where a rule's `cache` allows. */
  get isLeased(): boolean {
    return this.#answer.leaseId !== ''
  }

  hasLease(leaseId: string): boolean {
    return this.#answer.leaseId === leaseId
  }

  ageMs(at: Moment): number {
    return Math.max(at.nowMs - this.#facts.sentAt.nowMs, at.wallMs - this.#facts.sentAt.wallMs, 0)
  }

  /** Time left; 0 or less past the end. `Infinity` without a lease. */
  ttlMs(at: Moment): number {
    if (this.isLeased && this.#facts.fate?.isDead === true) return 0
    return this.#facts.livesMs - this.ageMs(at)
  }

  /** Did the answer pass the response check of `verdict` before? One check a verdict and generation. */
  passed(verdict: object): boolean {
    return this.#passed.has(verdict)
  }

  markPassed(verdict: object): void {
    this.#passed.add(verdict)
  }

  toJSON(): string {
    return '[kept]'
  }

  static {
    open = (kept) => kept.#answer
  }
}

/** The answer inside. For the step that hands it to a decided and recorded call. */
export function openKept(kept: Kept): ServerAnswer {
  return open(kept)
}
