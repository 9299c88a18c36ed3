import { ServerError } from '../errors/index.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { SessionToken } from '../session/session.ts'
import { createGovernor } from './governor.ts'
import { type Kept, type Moment, openKept } from './kept.ts'

/** Tells whether leases still live, by asking the server. */
export interface Verifier {
  /**
   * May `kept` be served? `true` at once while it was verified lately; else a promise, while it is looked up.
   * Starts a look-up ahead of the limit, so that nobody has to wait for one as a rule.
   */
  isLive(kept: Kept, at: Moment): boolean | Promise<boolean>
  /** Looks it up now; one look-up for all who ask at once. Never rejects. */
  lookUp(kept: Kept): Promise<void>
  /** Resolves when no look-up is under way. */
  settled(): Promise<void>
}

export interface VerifierOptions {
  /** Longest time since the server last said that a served lease lives; `Infinity` never asks. */
  readonly verifyAfterMs: number
  /** Look-ups a second; beyond them `verifiedMs` grows, and `onSkipped` is told. */
  readonly lookUpsPerSecond: number
}

export interface VerifierDeps extends VerifierOptions {
  readonly clock: Clock
  readonly exchange: OwnExchange
  readonly token: () => Promise<SessionToken>
  readonly forbidden: (token: SessionToken) => Promise<'retry' | 'final'>
  /** The server said that it is dead. */
  readonly onDead: (kept: Kept) => void
  readonly onSkipped: () => void
  /** What a look-up told; `refused`: the server policy does not let us look. */
  readonly onLookedUp: (outcome: 'live' | 'dead' | 'refused' | 'failed') => void
  /** The server told another end than was known. */
  readonly onMoved: (kept: Kept) => void
  /** Did the server say of this token, at `sinceMs` or later, that it lives? */
  readonly wasSeenAlive: (token: SessionToken, sinceMs: number) => boolean
}

/** Part of the limit after which a look-up starts without anyone waiting for it. */
const AHEAD = 0.8
/** After a look-up that told nothing, the next one waits this long. */
const RETRY_MS = 1_000
/** What the server policy forbids is asked again after this time: it may have been changed. */
const UNVERIFIABLE_MS = 60_000
/** Bound on one look-up: whoever waits for it is waiting for a secret. */
const LOOK_UP_LIMIT_MS = 5_000
/** The wire counts in whole seconds. */
const WIRE_STEP_MS = 1_000

export function createVerifier(deps: VerifierDeps): Verifier {
  return new LookUpVerifier(deps)
}

class LookUpVerifier implements Verifier {
  readonly #deps: VerifierDeps
  readonly #checking = new Map<Kept, Promise<void>>()
  /** Until when a look-up is known to be forbidden. */
  readonly #unverifiable = new WeakMap<Kept, number>()
  readonly #retryAtMs = new WeakMap<Kept, number>()
  readonly #governor: ReturnType<typeof createGovernor>
  #turnAtMs = 0

  constructor(deps: VerifierDeps) {
    this.#deps = deps
    const perSecond = deps.lookUpsPerSecond
    this.#governor = createGovernor({ perSecond, burst: Math.max(1, Math.ceil(Math.min(perSecond, 1_000))) })
  }

  isLive(kept: Kept, at: Moment): boolean | Promise<boolean> {
    if (!kept.isLeased) return !kept.isOver(at)
    const isDoubtful = kept.isDoubtful(at)
    if (!isDoubtful && kept.ttlMs(at) <= 0) return false
    const { verifyAfterMs } = this.#deps
    const unverifiedMs = kept.verifiedMs(at)
    if (!isDoubtful && unverifiedMs < verifyAfterMs * AHEAD) return true
    if (at.nowMs < (this.#unverifiable.get(kept) ?? 0)) return !isDoubtful
    if (!isDoubtful && !this.#isTurn(kept, at)) return true
    const checked = this.lookUp(kept)
    if (!isDoubtful && unverifiedMs < verifyAfterMs) return true
    return checked.then(() => isServable(kept, this.#moment()))
  }

  lookUp(kept: Kept): Promise<void> {
    const under = this.#checking.get(kept)
    if (under !== undefined) return under
    const checked = this.#ask(kept, true).finally(() => this.#checking.delete(kept))
    this.#checking.set(kept, checked)
    return checked
  }

  async settled(): Promise<void> {
    while (this.#checking.size > 0) await Promise.allSettled(this.#checking.values())
  }

  /** A look-up under way is joined whatever the rate; a new one has to wait for its turn. */
  #isTurn(kept: Kept, { nowMs }: Moment): boolean {
    if (this.#checking.has(kept)) return true
    if (nowMs < (this.#retryAtMs.get(kept) ?? 0)) return false
    if (nowMs < this.#turnAtMs) {
      this.#deps.onSkipped()
      return false
    }
    this.#turnAtMs = nowMs + this.#governor.delay(nowMs)
    return true
  }

  async #ask(kept: Kept, mayRetry: boolean): Promise<void> {
    const { exchange, forbidden } = this.#deps
    const sentAtMs = this.#deps.clock.now()
    let token: SessionToken | undefined
    try {
      token = await this.#deps.token()
      const at = this.#moment()
      const { leaseId } = openKept(kept)
      const { namespace } = kept
      const path = 'sys/leases/lookup'
      const { data } = await exchange({
        operation: 'write',
        path,
        namespace,
        data: { lease_id: leaseId },
        token: token.token,
        timeoutMs: LOOK_UP_LIMIT_MS,
      })
      this.#told(kept, data?.ttl, at)
    } catch (error) {
      const status = error instanceof ServerError ? error.status : 0
      if (status === 400) return this.#dead(kept)
      if (status !== 403 || token === undefined) return this.#later(kept)
      const isFinal = (await forbidden(token).catch(() => 'unknown')) !== 'retry'
      if (kept.fate?.isDead === true) return this.#dead(kept)
      if (!isFinal && mayRetry) return this.#ask(kept, false)
      if (!this.#deps.wasSeenAlive(token, sentAtMs)) return this.#later(kept)
      // Neither the lease nor the token is dead: the server policy does not let us look.
      this.#unverifiable.set(kept, this.#deps.clock.now() + UNVERIFIABLE_MS)
      this.#deps.onLookedUp('refused')
    }
  }

  #told(kept: Kept, ttl: unknown, at: Moment): void {
    if (typeof ttl !== 'number') this.#later(kept)
    else if (ttl <= 0) this.#dead(kept)
    else this.#lives(kept, ttl * 1000, at)
  }

  #lives(kept: Kept, toldMs: number, at: Moment): void {
    this.#deps.onLookedUp('live')
    const leftMs = kept.ownLeftMs(at.nowMs)
    const isSame = Math.abs(toldMs - leftMs) <= WIRE_STEP_MS && !kept.isDoubtful(at)
    if (isSame) {
      kept.verify(at)
      return
    }
    kept.extend(at, toldMs)
    this.#deps.onMoved(kept)
  }

  #dead(kept: Kept): void {
    this.#deps.onLookedUp('dead')
    this.#deps.onDead(kept)
  }

  #later(kept: Kept): void {
    this.#deps.onLookedUp('failed')
    this.#retryAtMs.set(kept, this.#deps.clock.now() + RETRY_MS)
  }

  #moment(): Moment {
    const { clock } = this.#deps
    return { nowMs: clock.now(), wallMs: clock.wallTime() }
  }
}

function isServable(kept: Kept, at: Moment): boolean {
  return kept.ttlMs(at) > 0 && !kept.isDoubtful(at)
}
