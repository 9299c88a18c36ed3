import type { AuditResponse } from '../model/audit-entry.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { ClockKind } from './clock-of.ts'

/** Readings of both clocks, taken together. */
export interface Moment {
  /** Monotonic. */
  readonly nowMs: number
  /** Wall clock: the second witness, since the monotonic one stands still while the machine sleeps. */
  readonly wallMs: number
}

/** What becomes of the token that minted a lease; the lease ends with it. */
export interface Fate {
  readonly isDead: boolean
  /** Monotonic reading at which it ends; moves when the token is renewed. */
  readonly endsAtMs: number
}

/** What an answer is kept with. */
export interface KeptFacts {
  readonly request: GatewayRequest
  /** Under which it is kept. */
  readonly key: string
  /** When the request was sent: the server counts from later, so the true end is not before ours. */
  readonly sentAt: Moment
  /** How long it lives from then, by its own clock. `Infinity` for what has none. */
  readonly livesMs: number
  /** What that clock is. Default: a lease, where there is a lease id. */
  readonly kind?: ClockKind
  readonly fate: Fate | undefined
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
  /** When the life it has now was granted: by the request, or by the last renewal. */
  #grantedAt: Moment
  #livesMs: number
  #verifiedAt: Moment
  #hasEnded = false
  /** Calls that were given it, or are about to be; 0 while all were refused. */
  taken = 0
  /** Was it given to somebody who does not hold it? Then it is left to lapse. */
  isHandedOut = false
  /** Monotonic reading at which somebody last asked for it. */
  askedAtMs: number

  constructor(answer: ServerAnswer, facts: KeptFacts) {
    this.#answer = answer
    this.#facts = facts
    this.#grantedAt = facts.sentAt
    this.#livesMs = facts.livesMs
    this.#verifiedAt = facts.sentAt
    this.askedAtMs = facts.sentAt.nowMs
  }

  get audit(): AuditResponse {
    return this.#facts.audit
  }

  get key(): string {
    return this.#facts.key
  }

  get namespace(): string {
    return this.#facts.request.namespace
  }

  get path(): string {
    return this.#facts.request.path
  }

  /** Has it a lease? What has none is served only where a rule's `cache` allows, or to those who hold it. */
  get isLeased(): boolean {
    return this.#answer.leaseId !== ''
  }

  get kind(): ClockKind {
    return this.#facts.kind ?? (this.isLeased ? 'lease' : 'none')
  }

  get fate(): Fate | undefined {
    return this.#facts.fate
  }

  /** Monotonic reading from which {@link livesMs} counts. */
  get grantedAtMs(): number {
    return this.#grantedAt.nowMs
  }

  /** Length of the life it has now. */
  get livesMs(): number {
    return this.#livesMs
  }

  hasLease(leaseId: string): boolean {
    return this.#answer.leaseId === leaseId
  }

  ageMs(at: Moment): number {
    return elapsedMs(this.#facts.sentAt, at)
  }

  /** Milliseconds since the server last said that it lives. */
  verifiedMs(at: Moment): number {
    return elapsedMs(this.#verifiedAt, at)
  }

  /** Time left; 0 or less past the end. `Infinity` for what has no end. */
  ttlMs(at: Moment): number {
    if (this.#hasEnded) return 0
    const ownMs = this.#livesMs - elapsedMs(this.#grantedAt, at)
    const { fate } = this.#facts
    if (!this.isLeased || fate === undefined) return ownMs
    return fate.isDead ? 0 : Math.min(ownMs, fate.endsAtMs - at.nowMs)
  }

  /**
   * Do the clocks disagree about its end? The wall clock may have been set, or the machine slept: a look-up
   * tells. Not served until then, and not presumed dead either.
   */
  isDoubtful(at: Moment): boolean {
    if (!this.isLeased || this.#hasEnded || this.#facts.fate?.isDead === true) return false
    return this.ttlMs(at) <= 0 && this.#livesMs - (at.nowMs - this.#grantedAt.nowMs) > 0
  }

  /** Is it not to be served any more? The password of a static role goes on working until the server changes it. */
  isOver(at: Moment): boolean {
    return this.ttlMs(at) <= (this.kind === 'static-role' && !this.#hasEnded ? -STATIC_ROLE_OUTLIVES_MS : 0)
  }

  /** The server said at `at` that it lives, and for how long from then. */
  extend(at: Moment, livesMs: number): void {
    this.#grantedAt = at
    this.#livesMs = livesMs
    this.#verifiedAt = at
  }

  /** The server said at `at` that it lives; its end is what it was. */
  verify(at: Moment): void {
    this.#verifiedAt = at
  }

  /** It is known to be dead. */
  end(): void {
    this.#hasEnded = true
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

/** The server changes passwords at a tick of its own, some seconds after their TTL has run out. */
const STATIC_ROLE_OUTLIVES_MS = 10_000

/** The answer inside. For the step that hands it to a decided and recorded call. */
export function openKept(kept: Kept): ServerAnswer {
  return open(kept)
}

/** By the clock that went further: one stands still while the machine sleeps, the other can be set back. */
function elapsedMs(from: Moment, at: Moment): number {
  return Math.max(at.nowMs - from.nowMs, at.wallMs - from.wallMs, 0)
}
