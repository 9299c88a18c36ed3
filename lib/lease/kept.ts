import type { AuditResponse } from '../model/audit-entry.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { Clock } from '../ports/clock.ts'
import type { ClockKind } from './clock-of.ts'

/** Readings of both clocks, taken together. */
export interface Moment {
  /** Monotonic. */
  readonly nowMs: number
  /** Wall clock: the second witness, since the monotonic one stands still while the machine sleeps. */
  readonly wallMs: number
}

/** Reads both. */
export function momentOf(clock: Clock): Moment {
  return { nowMs: clock.now(), wallMs: clock.wallTime() }
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
  /** How long after it was sent for a rule lets it be had. Default: as long as it lives. */
  readonly maxTtlMs?: number
  /** Audit form of the answer, where it is there already. */
  readonly audit?: AuditResponse
}

/** What the first hit makes, for itself and the rest. */
interface Hits {
  audit: AuditResponse | undefined
  passed: WeakSet<object> | undefined
  askedAtMs: number
  taken: number
}

// No static method: whoever holds an entry can reach its class, and must not be able to open it.
let open: (kept: Kept) => ServerAnswer
let request: (kept: Kept) => GatewayRequest

/**
 * An answer in the cache. Small, since there may be a million: one flat object, and what hits alone need
 * is made by the first of them. lru-cache publishes its values on diagnostics channels, so the secret is
 * behind a private field and opened by {@link openKept} alone.
 */
export class Kept {
  readonly #answer: ServerAnswer
  readonly #request: GatewayRequest
  readonly #sentAt: Moment
  readonly key: string
  readonly kind: ClockKind
  readonly fate: Fate | undefined
  #hits: Hits | undefined
  /** When the life it has now was granted: by the request, or by the last renewal. */
  #grantedAt: Moment
  #livesMs: number
  /** `undefined`: no rule ends it. */
  #maxTtlMs: number | undefined
  #verifiedAt: Moment
  #hasEnded = false
  /** At the server, too. */
  #isGone = false
  /** A renewal of it got no answer: the server may let it live longer than is known here. */
  mayLiveOn = false
  /** Calls that were given it, or are about to be, and do not hold it. */
  readers = 0

  constructor(answer: ServerAnswer, facts: KeptFacts) {
    this.#answer = answer
    this.#request = facts.request
    this.#sentAt = facts.sentAt
    this.key = facts.key
    this.kind = facts.kind ?? (answer.leaseId === '' ? 'none' : 'lease')
    this.fate = facts.fate
    if (facts.audit !== undefined) this.#ofHits().audit = facts.audit
    this.#grantedAt = facts.sentAt
    this.#livesMs = facts.livesMs
    this.#maxTtlMs = facts.maxTtlMs === Infinity ? undefined : facts.maxTtlMs
    this.#verifiedAt = facts.sentAt
  }

  /** Monotonic reading at which somebody last asked for it. */
  get askedAtMs(): number {
    return this.#hits?.askedAtMs ?? this.#sentAt.nowMs
  }

  set askedAtMs(nowMs: number) {
    if (nowMs !== this.askedAtMs) this.#ofHits().askedAtMs = nowMs
  }

  /** Calls that were given it from the cache, or are about to be; 0 while all were refused. */
  get taken(): number {
    return this.#hits?.taken ?? 0
  }

  set taken(calls: number) {
    this.#ofHits().taken = calls
  }

  get namespace(): string {
    return this.#request.namespace
  }

  get path(): string {
    return this.#request.path
  }

  /** Monotonic reading when the request for it was sent. */
  get sentAtMs(): number {
    return this.#sentAt.nowMs
  }

  /** Length of the first life of a lease: what a renewal asks for, since a look-up tells only what is left. */
  get firstLifeMs(): number {
    return this.#answer.leaseDurationMs
  }

  /** Was it given to somebody who does not hold it, or is it about to be? Then it is left to lapse. */
  get isHandedOut(): boolean {
    return this.readers > 0
  }

  /** Was it found, or made, to be dead before its time? */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Has it a lease? What has none is served only where a rule's `cache` allows, or to those who hold it. */
  get isLeased(): boolean {
    return this.#answer.leaseId !== ''
  }

  /** Monotonic reading from which {@link livesMs} counts. */
  get grantedAtMs(): number {
    return this.#grantedAt.nowMs
  }

  /** Length of the life it has now. */
  get livesMs(): number {
    return this.#livesMs
  }

  /** How long after it was sent for a rule lets it be had; `Infinity` where none says. */
  get maxTtlMs(): number {
    return this.#maxTtlMs ?? Infinity
  }

  /** Monotonic reading at which a rule ends it, whatever the server says. */
  get mustEndAtMs(): number {
    return this.sentAtMs + this.maxTtlMs
  }

  /** Another rule lets it be had for `maxTtlMs` alone; gives whether that is less than before. What is not issued to us has none. */
  bound(maxTtlMs: number): boolean {
    if (!isBoundable(this.kind) || maxTtlMs >= this.maxTtlMs) return false
    this.#maxTtlMs = maxTtlMs
    return true
  }

  /** Audit form of the answer: `made` the first time, its HMACs then serve all hits. */
  audit(made: (answer: ServerAnswer) => AuditResponse): AuditResponse {
    const hits = this.#ofHits()
    hits.audit ??= made(this.#answer)
    return hits.audit
  }

  hasLease(leaseId: string): boolean {
    return this.#answer.leaseId === leaseId
  }

  ageMs(at: Moment): number {
    return elapsedMs(this.#sentAt, at)
  }

  /** Milliseconds since the server last said that it lives. */
  verifiedMs(at: Moment): number {
    return elapsedMs(this.#verifiedAt, at)
  }

  /** Time left: to its own end, that of its token, or the one that a rule sets. 0 or less past the end. `Infinity` for what has no end. */
  ttlMs(at: Moment): number {
    return Math.min(this.#serverTtlMs(at), this.#ruleTtlMs(at))
  }

  #serverTtlMs(at: Moment): number {
    if (this.#hasEnded) return 0
    return Math.min(this.#livesMs - elapsedMs(this.#grantedAt, at), this.#fateLeftMs(at.nowMs))
  }

  #ruleTtlMs(at: Moment): number {
    return this.#maxTtlMs === undefined ? Infinity : this.#maxTtlMs - elapsedMs(this.#sentAt, at)
  }

  /**
   * Time left by the monotonic clock alone: by it the server may still count it as living, whatever the wall clock or a rule
   * says.
   */
  leftMs(nowMs: number): number {
    return this.#isGone ? 0 : Math.min(this.ownLeftMs(nowMs), this.#fateLeftMs(nowMs))
  }

  /** How long it may be used by the monotonic clock; the password of a static role until it no longer works. */
  lastsMs(nowMs: number): number {
    if (this.#hasEnded) return 0
    const outlivesMs = this.kind === 'static-role' ? STATIC_ROLE_OUTLIVES_MS : 0
    return Math.min(this.leftMs(nowMs) + outlivesMs, this.mustEndAtMs - nowMs)
  }

  /** Is there something to be given back? */
  isAtServer(nowMs: number): boolean {
    return this.mayLiveOn || this.leftMs(nowMs) > 0
  }

  /** Time left by its own clock, whatever becomes of the token. */
  ownLeftMs(nowMs: number): number {
    return this.#livesMs - (nowMs - this.#grantedAt.nowMs)
  }

  #fateLeftMs(nowMs: number): number {
    const { fate } = this
    if (!this.isLeased || fate === undefined) return Infinity
    return fate.isDead ? 0 : fate.endsAtMs - nowMs
  }

  /**
   * Do the clocks disagree about its end? The wall clock may have been set, or the machine slept: a look-up
   * tells. Not served until then, and not presumed dead either.
   */
  isDoubtful(at: Moment): boolean {
    return (
      this.isLeased &&
      !this.#hasEnded &&
      this.#ruleTtlMs(at) > 0 &&
      this.#serverTtlMs(at) <= 0 &&
      this.leftMs(at.nowMs) > 0
    )
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
    this.#isGone = true
  }

  /** Its time is over. What a rule ended may live on at the server, and counts until it is given back. */
  lapse(): void {
    this.#hasEnded = true
    this.#isGone ||= this.#maxTtlMs === undefined
  }

  /** Did the answer pass the response check of `verdict` before? One check a verdict and generation. */
  passed(verdict: object): boolean {
    return this.#hits?.passed?.has(verdict) === true
  }

  markPassed(verdict: object): void {
    const hits = this.#ofHits()
    hits.passed ??= new WeakSet()
    hits.passed.add(verdict)
  }

  #ofHits(): Hits {
    this.#hits ??= { audit: undefined, passed: undefined, askedAtMs: this.#sentAt.nowMs, taken: 0 }
    return this.#hits
  }

  toJSON(): string {
    return '[kept]'
  }

  static {
    open = (kept) => kept.#answer
    request = (kept) => kept.#request
  }
}

/** The server changes passwords at a tick of its own, some seconds after their TTL has run out. */
const STATIC_ROLE_OUTLIVES_MS = 10_000

/** Is it issued to us, and so can be had anew? The password of a static role is what it is until the server changes it. */
export function isBoundable(kind: ClockKind): boolean {
  return kind === 'lease' || kind === 'certificate'
}

/** The answer inside. For the step that hands it to a decided and recorded call. */
export function openKept(kept: Kept): ServerAnswer {
  return open(kept)
}

/** Which lease it is, for the audit: its id is to be hashed, and kept nowhere. */
export function leaseNameOf(kept: Kept): {
  readonly namespace: string
  readonly path: string
  readonly leaseId: string
} {
  return { namespace: kept.namespace, path: kept.path, leaseId: open(kept).leaseId }
}

/** What was asked. For the step that asks once more: its data may be secret too. */
export function requestOf(kept: Kept): GatewayRequest {
  return request(kept)
}

/** By the clock that went further: one stands still while the machine sleeps, the other can be set back. */
function elapsedMs(from: Moment, at: Moment): number {
  return Math.max(at.nowMs - from.nowMs, at.wallMs - from.wallMs, 0)
}
