import { PortcullisError, ServerError, SessionError } from '../errors/index.ts'
import type { Moment } from '../lease/kept.ts'
import type { Login, LoginContext } from '../ports/auth-method.ts'
import { LiveToken, type State, stateOf, tokenOf } from './live-token.ts'
import { createLoginContext, logInWithin } from './login-context.ts'
import { endedError, loginError } from './login-error.ts'
import { soundsDead } from './look-up.ts'
import { LookUps } from './look-ups.ts'
import { createRetired, type Retired, settledOrLate } from './retired.ts'
import type { Session, SessionDeps, SessionState, SessionToken } from './session-token.ts'
import { backoffMs, FORBIDDEN_LOGIN_INTERVAL_MS, RENEWAL_LIMIT_MS } from './token-plan.ts'

export type { Session, SessionDeps, SessionListener, SessionState, SessionToken, TokenFate } from './session-token.ts'

/** A session that logs in with `auth` when a token is first needed, keeps the token alive, and logs in again when it ends or dies. */
export function createSession(deps: SessionDeps): Session {
  return new AuthSession(deps)
}

class AuthSession implements Session {
  readonly #deps: SessionDeps
  readonly #context: LoginContext
  readonly #retired: Retired
  readonly #lookUps: LookUps
  readonly #givenUp = new AbortController()
  #state: State = { at: 'none' }
  #login: Promise<void> | undefined
  #generation = 0
  #last: LiveToken | undefined
  #loginBackoffMs = 0
  #forcedAtMs = -Infinity
  #closing: Promise<void> | undefined

  constructor(deps: SessionDeps) {
    this.#deps = deps
    this.#context = createLoginContext(deps)
    this.#retired = createRetired(deps)
    const onAlive = this.#isAlive.bind(this)
    this.#lookUps = new LookUps({ exchange: deps.exchange, clock: deps.clock, onAlive })
  }

  async current(): Promise<SessionToken> {
    for (;;) {
      const live = this.#servable()
      if (live === undefined) await this.#logIn()
      else if (live.isDoubted(this.#moment()) && this.#mayForce()) await this.#settleDoubt(live)
      else return this.#use(live)
    }
  }

  peek(): SessionToken | undefined {
    return this.#state.at === 'live' ? this.#state.live.token : undefined
  }

  async forbidden(token: SessionToken, refusal?: unknown): Promise<'retry' | 'final'> {
    const live = this.#live
    if (live?.token !== token) return this.#state.at === 'closed' ? 'final' : 'retry'
    // A revocation that went through here may have ended it: then it is known, and no look-up is needed.
    if (token.fate.isDead) return this.#replaced(live)
    if (!this.#mayForce() || (live.isLimited && !live.token.owned)) return 'final'
    // Without a login that could bring another token, to wait for a second look-up helps nobody.
    const isReplaceable = live.token.owned || this.#deps.auth.isReread === true
    const seen = await this.#lookUps.forRefusal(live, isReplaceable && soundsDead(refusal))
    if (seen?.kind !== 'refused' || this.#state.at === 'closed') return 'final'
    this.#forceLogin(live)
    return this.#replaced(live)
  }

  async #replaced(live: LiveToken): Promise<'retry' | 'final'> {
    try {
      if (this.#live === undefined || this.#live === live) await this.#logIn()
    } catch (error) {
      if (live.token.owned) throw error
      // The server's refusal tells the holder of a token more than that we have no other.
      return 'final'
    }
    return this.#live === live ? 'final' : 'retry'
  }

  wasSeenAlive(token: SessionToken, sinceMs: number): boolean {
    return this.#live?.token === token && this.#live.verifiedAtMs >= sinceMs
  }

  state(): SessionState {
    return stateOf(this.#state, this.#generation, this.#deps.clock.now())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const live = this.#live
    live?.timer?.cancel()
    if (live !== undefined) this.#retired.add(live.token)
    this.#state = { at: 'closed' }
    await settledOrLate(this.#login, this.#deps.clock)
    this.#givenUp.abort()
    await this.#retired.revokeAll()
  }

  get #live(): LiveToken | undefined {
    return this.#state.at === 'live' ? this.#state.live : undefined
  }

  /** The token to send with, if one is there. @throws {SessionError} when closed, and while a failed login backs off. */
  #servable(): LiveToken | undefined {
    const state = this.#state
    if (state.at === 'closed') throw endedError(this.#deps.auth.method, 'the session is closed')
    const nowMs = this.#deps.clock.now()
    if (state.at === 'failed' && nowMs < state.retryAtMs) throw state.error
    return state.at === 'live' && state.live.isServable(nowMs) ? state.live : undefined
  }

  #use(live: LiveToken): SessionToken {
    live.use()
    // A timer may be late, or not set while nobody used the token. The request does not wait for what replaces a living one.
    if (live.isAsleep) this.#plan(live)
    else if (this.#deps.clock.now() >= live.replaceAtMs) this.#logInBehind()
    return live.token
  }

  #logIn(): Promise<void> {
    this.#login ??= this.#logInOnce().finally(() => {
      this.#login = undefined
    })
    return this.#login
  }

  /** What fails here was told to the listener. */
  #logInBehind(): void {
    this.#logIn().catch(() => undefined)
  }

  async #logInOnce(): Promise<void> {
    const sentAt = this.#moment()
    try {
      const login = await logInWithin(this.#deps, this.#context, this.#givenUp.signal)
      this.#adopt(login, sentAt)
      this.#loginBackoffMs = 0
    } catch (cause) {
      const error = this.#failed(cause)
      // The old token is to be replaced ahead of its end; until then it serves.
      if (this.#live === undefined) throw error
    }
  }

  #adopt(login: Login, sentAt: Moment): void {
    const { auth, clock, listener } = this.#deps
    // A failure, so that the next try waits: an ended token which a server still describes would be asked for without end.
    if (!(sentAt.nowMs + login.grant.ttlMs > clock.now())) throw endedError(auth.method, 'the token has no time left')
    const old = this.#live
    const last = this.#last
    if (last?.holds(login.grant.token) === true) {
      if (last === old) {
        this.#refresh(old, login, sentAt)
        return
      }
      const hasEnded = last.endsAtMs <= clock.now() && login.grant.ttlMs === Infinity
      if (last.token.fate.isDead || hasEnded)
        throw endedError(this.#deps.auth.method, 'the token is dead, and there is no other')
    }
    const live = new LiveToken(tokenOf(login, ++this.#generation, sentAt.nowMs, this.#deps.hash), login, sentAt)
    this.#last = live
    if (this.#state.at === 'closed') {
      this.#retired.add(live.token)
      return
    }
    this.#state = { at: 'live', live }
    this.#plan(live)
    listener.login(live.token, auth.method)
    if (old !== undefined) this.#retire(old, live)
    else if (last !== undefined) this.#retire(last, live)
  }

  /** The login gave the same token again, perhaps renewed by whoever made it. */
  #refresh(live: LiveToken, { grant }: Login, sentAt: Moment): void {
    live.isSuspect = false
    if (grant.ttlMs !== Infinity && live.granted(grant.ttlMs, sentAt)) {
      this.#deps.listener.renewed(live.token, this.#deps.auth.method)
      this.#plan(live)
      return
    }
    // There is nothing newer to be had; renewals go on to the end where it may be renewed.
    if (!live.isRenewing) live.timer?.cancel()
    live.replaceAtMs = live.endsAtMs
    if (live.renewable && !live.isRenewing && live.endsAtMs !== Infinity) this.#backOffRenewal(live)
  }

  /** The old one is not revoked: leases hang on it, which are about to be rotated. It lapses, or is revoked at close. */
  #retire(old: LiveToken, next: LiveToken): void {
    old.timer?.cancel()
    // One that ended unnoticed, in a freeze or while no login succeeded, took what it minted along.
    if (old.isSuspect || old.endsAtMs <= this.#deps.clock.now()) this.#die(old)
    if (old.token.fate.isDead) return
    this.#retired.add(old.token)
    this.#deps.listener.succeeded(old.token, next.token)
  }

  #failed(cause: unknown): PortcullisError {
    const { auth, clock, random, listener } = this.#deps
    const retryAfterMs = backoffMs(this.#loginBackoffMs, random.fraction())
    const error = cause instanceof SessionError ? cause : loginError(auth.method, cause)
    const nowMs = clock.now()
    const live = this.#live
    this.#loginBackoffMs = retryAfterMs
    if (live?.isServable(nowMs)) {
      live.replaceAtMs = Math.min(nowMs + retryAfterMs, live.endsAtMs)
      this.#wake(live, live.replaceAtMs)
    } else if (this.#state.at !== 'closed') {
      live?.timer?.cancel()
      if (live !== undefined) this.#retired.add(live.token)
      this.#state = { at: 'failed', error, retryAtMs: nowMs + retryAfterMs }
    }
    listener.loginFailed(auth.method, error.code, retryAfterMs)
    return error
  }

  #plan(live: LiveToken): void {
    live.isAsleep = false
    if (live.isLimited && !live.token.owned) return
    const { atMs } = live.plan(this.#deps.clock.now(), this.#deps.random.fraction())
    this.#wake(live, atMs)
  }

  #wake(live: LiveToken, atMs: number): void {
    if (atMs === Infinity) live.timer?.cancel()
    else if (live.timer === undefined) live.timer = this.#deps.schedule.at(atMs, () => this.#tend(live))
    else live.timer.reschedule(atMs)
  }

  /** Its moment has come. A token that nobody used has minted nothing, and is left to lapse. */
  #tend(live: LiveToken): void {
    const nowMs = this.#deps.clock.now()
    if (this.#live !== live || nowMs >= live.endsAtMs) return
    live.isAsleep = !live.isUsed
    if (live.isAsleep) return
    // A timer may come within the same millisecond, ahead of a moment with a fraction.
    if (live.replaceAtMs - nowMs < 1) this.#logInBehind()
    else if (live.renewable) void this.#renew(live)
  }

  /** Never rejects. */
  async #renew(live: LiveToken): Promise<void> {
    if (live.isRenewing) return
    live.isRenewing = true
    try {
      if (await this.#reread(live)) return
      const sentAt = this.#moment()
      const timeoutMs = Math.max(Math.min(RENEWAL_LIMIT_MS, live.endsAtMs - sentAt.nowMs), 1)
      const call = { operation: 'write', path: 'auth/token/renew-self', token: live.token.token, timeoutMs } as const
      const { auth } = await this.#deps.exchange(call)
      this.#renewed(live, auth?.ttlMs ?? Infinity, auth?.renewable === true, sentAt)
    } catch (error) {
      await this.#renewalFailed(live, error)
    } finally {
      live.isRenewing = false
    }
  }

  /** A token in a file may have been replaced or renewed by who wrote it. @returns Is there nothing to be renewed any more? */
  async #reread(live: LiveToken): Promise<boolean> {
    if (this.#deps.auth.isReread !== true) return false
    const endsAtMs = live.endsAtMs
    await this.#logIn().catch(() => undefined)
    return this.#live !== live || live.isAhead(endsAtMs)
  }

  /** An answer of no time at all, which a login would mean by "no end", comes of a renewal at its last end. */
  #renewed(live: LiveToken, ttlMs: number, isRenewable: boolean, sentAt: Moment): void {
    if (live.token.fate.isDead) return
    const { auth, listener, keepsAlive } = this.#deps
    const isLonger = ttlMs !== Infinity && live.granted(ttlMs, sentAt)
    live.renewable = isRenewable && isLonger
    live.renewalBackoffMs = 0
    live.verifiedAtMs = this.#deps.clock.now()
    if (keepsAlive === false) live.isUsed = false
    if (ttlMs !== Infinity) listener.renewed(live.token, auth.method)
    if (this.#live === live) this.#plan(live)
  }

  async #renewalFailed(live: LiveToken, error: unknown): Promise<void> {
    if (this.#live !== live) return
    const code = error instanceof PortcullisError ? error.code : 'unknown'
    const isRefused = error instanceof ServerError && (error.status === 403 || error.status === 400)
    if (!isRefused || !this.#mayForce()) return this.#retryRenewal(live, code)
    const { kind } = await this.#lookUps.ask(live)
    if (this.#live !== live) return
    if (kind === 'unknown') return this.#retryRenewal(live, code)
    if (kind === 'refused' && live.mayLookUp) return this.#forceLogin(live)
    // It lives, and may not be renewed.
    live.renewable = false
    this.#plan(live)
  }

  #retryRenewal(live: LiveToken, code: string): void {
    const retryAfterMs = this.#backOffRenewal(live)
    this.#deps.listener.renewalFailed?.(this.#deps.auth.method, code, retryAfterMs)
  }

  #backOffRenewal(live: LiveToken): number {
    const { clock, random } = this.#deps
    live.renewalBackoffMs = backoffMs(live.renewalBackoffMs, random.fraction())
    this.#wake(live, Math.min(clock.now() + live.renewalBackoffMs, live.replaceAtMs))
    return live.renewalBackoffMs
  }

  /** May a refusal lead to a login now? */
  #mayForce(): boolean {
    return this.#deps.clock.now() - this.#forcedAtMs >= FORBIDDEN_LOGIN_INTERVAL_MS
  }

  /** A token handed to us may be alive and only not allowed to look itself up; one of ours is presumed dead: a new login settles it. */
  #forceLogin(live: LiveToken): void {
    if (live.token.owned || live.mayLookUp) this.#die(live)
    else live.isSuspect = true
    if (this.#last === live) this.#forcedAtMs = this.#deps.clock.now()
  }

  #die(live: LiveToken): void {
    if (live.token.fate.isDead) return
    live.token.fate.isDead = true
    live.timer?.cancel()
    if (this.#live === live) this.#state = { at: 'none' }
    // Where only a guess says so, it may live on.
    if (!live.mayLookUp) this.#retired.add(live.token)
    this.#deps.listener.died(live.token)
  }

  /** The machine slept, or its clock was set: the server knows. A token that may not look itself up is replaced where it can be. */
  async #settleDoubt(live: LiveToken): Promise<void> {
    live.doubtedAtMs = this.#deps.clock.now()
    const { kind } = await this.#lookUps.ask(live)
    if (kind !== 'refused' || this.#live !== live) return
    if (live.mayLookUp) return this.#forceLogin(live)
    if (live.token.owned) await this.#logIn()
  }

  #isAlive(live: LiveToken, ttlMs: number | undefined, sentAt: Moment): void {
    if (ttlMs === undefined || this.#live !== live) return
    if (live.granted(ttlMs, sentAt)) this.#deps.listener.renewed(live.token, this.#deps.auth.method)
    if (!live.isRenewing) this.#plan(live)
  }

  #moment(): Moment {
    return { nowMs: this.#deps.clock.now(), wallMs: this.#deps.clock.wallTime() }
  }
}
