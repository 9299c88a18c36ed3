import { PortcullisError, ServerError, SessionError } from '../errors/index.ts'
import type { AuditEntry } from '../model/audit-entry.ts'
import { type Sealed, unseal } from '../model/sealed.ts'
import type { AuthMethod, Login, LoginContext, OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { Files } from '../ports/files.ts'
import type { Random } from '../ports/random.ts'

/** What becomes of a token; shared with the leases it minted, which end with it. */
export interface TokenFate {
  /** Found dead: the server no longer knows it. */
  isDead: boolean
  /** Monotonic reading at which it ends; moves when it is renewed. `Infinity`: no end known. */
  endsAtMs: number
}

/** A live token of a session. A new object for each login. */
export interface SessionToken {
  readonly token: Sealed<string>
  /** Counts the logins of this session, from 1. */
  readonly generation: number
  readonly owned: boolean
  /** Turns true when it is found dead at the server: what it minted died with it. */
  readonly fate: TokenFate
  /** Its HMACs, for audit entries; worked out once. */
  readonly audit: NonNullable<AuditEntry['auth']>
}

/** What the session tells about itself. */
export interface SessionState {
  readonly state: 'none' | 'live' | 'ended'
  readonly generation: number
  readonly ttlMs: number
}

/** Keeps one token at hand. */
export interface Session {
  /** A live token; logs in where there is none. All who wait share one login. @throws {SessionError} */
  current(): Promise<SessionToken>
  /** The live token, if there is one now; never logs in. */
  peek(): SessionToken | undefined
  /**
   * Says that a request with `token` was answered 403. Its text is only a hint, so the token is looked up.
   *
   * @returns `retry` when a newer token is there: worth one more try. `final` when the token lives, or cannot be replaced.
   */
  forbidden(token: SessionToken): Promise<'retry' | 'final'>
  state(): SessionState
  /** Revokes the token if it is ours and has not ended; errors go to the listener. Idempotent. */
  close(): Promise<void>
}

/** What happens in a session, for events and metrics. */
export interface SessionListener {
  login(token: SessionToken, method: string): void
  loginFailed(method: string, code: string, retryAfterMs: number): void
  /** The token could not be revoked at the end, nor could what it minted. */
  leaked(code: string): void
}

export interface SessionDeps {
  readonly auth: AuthMethod
  readonly exchange: OwnExchange
  readonly clock: Clock
  readonly random: Random
  readonly files: Files
  readonly hash: (text: string) => string
  readonly listener: SessionListener
}

/** Logins that a 403 may cause: one a generation, and one in this time. */
export const FORBIDDEN_LOGIN_INTERVAL_MS = 30_000
/** A token is replaced this long before its end, or a tenth of its TTL where that is less. */
export const TOKEN_GRACE_MS = 5_000
/** A token found alive is not looked up again for this long, however many 403s its server policy causes. */
const VERIFIED_FOR_MS = 1_000
const BACKOFF_MIN_MS = 250
const BACKOFF_MAX_MS = 30_000

type State =
  | { readonly at: 'none' }
  | { readonly at: 'live'; readonly token: SessionToken; readonly replaceAtMs: number; readonly verifiedAtMs: number }
  | { readonly at: 'failed'; readonly error: PortcullisError; readonly retryAtMs: number; readonly failures: number }
  | { readonly at: 'closed' }

/** A session that logs in with `auth` when a token is first needed, and again when it ends or dies. */
export function createSession(deps: SessionDeps): Session {
  return new AuthSession(deps)
}

class AuthSession implements Session {
  readonly #deps: SessionDeps
  readonly #context: LoginContext
  #state: State = { at: 'none' }
  #login: Promise<SessionToken> | undefined
  #verifying: { readonly token: SessionToken; readonly isAlive: Promise<boolean> } | undefined
  #generation = 0
  #forbiddenLoginAtMs = -Infinity

  constructor(deps: SessionDeps) {
    this.#deps = deps
    this.#context = { send: deps.exchange, readText: (path) => deps.files.readText(path) }
  }

  async current(): Promise<SessionToken> {
    const state = this.#state
    const nowMs = this.#deps.clock.now()
    if (state.at === 'live' && nowMs < state.replaceAtMs) return state.token
    if (state.at === 'closed') throw this.#ended('the session is closed')
    if (state.at === 'failed' && nowMs < state.retryAtMs) throw state.error
    this.#login ??= this.#logIn().finally(() => {
      this.#login = undefined
    })
    return this.#login
  }

  peek(): SessionToken | undefined {
    return this.#state.at === 'live' ? this.#state.token : undefined
  }

  async forbidden(token: SessionToken): Promise<'retry' | 'final'> {
    const state = this.#state
    if (state.at !== 'live' || state.token !== token) return state.at === 'closed' ? 'final' : 'retry'
    const nowMs = this.#deps.clock.now()
    if (nowMs - state.verifiedAtMs < VERIFIED_FOR_MS) return 'final'
    if (nowMs - this.#forbiddenLoginAtMs < FORBIDDEN_LOGIN_INTERVAL_MS) return 'final'
    if (await this.#isAlive(token)) return 'final'
    return this.#replaceDead(token)
  }

  state(): SessionState {
    const state = this.#state
    const generation = this.#generation
    if (state.at !== 'live') return { state: state.at === 'none' ? 'none' : 'ended', generation, ttlMs: 0 }
    return { state: 'live', generation, ttlMs: Math.max(state.token.fate.endsAtMs - this.#deps.clock.now(), 0) }
  }

  async close(): Promise<void> {
    const token = this.peek()
    this.#state = { at: 'closed' }
    const late = await this.#login?.catch(() => undefined)
    for (const ours of new Set([token, late])) await this.#revoke(ours)
  }

  async #revoke(token: SessionToken | undefined): Promise<void> {
    if (token === undefined || !token.owned || token.fate.endsAtMs <= this.#deps.clock.now()) return
    try {
      await this.#deps.exchange({ operation: 'write', path: 'auth/token/revoke-self', token: token.token })
    } catch (error) {
      this.#deps.listener.leaked(error instanceof PortcullisError ? error.code : 'unknown')
    }
  }

  async #logIn(): Promise<SessionToken> {
    const { auth, clock, listener } = this.#deps
    const startedAtMs = clock.now()
    try {
      const login = await auth.login(this.#context)
      const token = this.#adopt(login, startedAtMs)
      listener.login(token, auth.method)
      return token
    } catch (cause) {
      const error = this.#failed(cause)
      // The old token is to be replaced ahead of its end; until then it serves.
      if (this.#state.at === 'live') return this.#state.token
      throw error
    }
  }

  #adopt({ grant, owned }: Login, startedAtMs: number): SessionToken {
    const { hash } = this.#deps
    const accessor = unseal(grant.accessor)
    const token: SessionToken = Object.freeze({
      token: grant.token,
      generation: ++this.#generation,
      owned,
      fate: { isDead: false, endsAtMs: startedAtMs + grant.ttlMs },
      audit: Object.freeze({
        client_token: hash(unseal(grant.token)),
        ...(accessor === '' ? {} : { accessor: hash(accessor) }),
      }),
    })
    const replaceAtMs = token.fate.endsAtMs - Math.min(TOKEN_GRACE_MS, grant.ttlMs / 10)
    if (this.#state.at !== 'closed') this.#state = { at: 'live', token, replaceAtMs, verifiedAtMs: startedAtMs }
    return token
  }

  #failed(cause: unknown): PortcullisError {
    const { auth, clock, random, listener } = this.#deps
    const state = this.#state
    const failures = state.at === 'failed' ? state.failures + 1 : 1
    const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures, 20))
    const retryAfterMs = Math.round(BACKOFF_MIN_MS + random.fraction() * (ceilingMs - BACKOFF_MIN_MS))
    const error = cause instanceof SessionError ? cause : this.#loginError(cause)
    const retryAtMs = clock.now() + retryAfterMs
    if (state.at === 'live' && clock.now() < state.token.fate.endsAtMs) {
      this.#state = { ...state, replaceAtMs: Math.min(retryAtMs, state.token.fate.endsAtMs) }
    } else if (state.at !== 'closed') {
      this.#state = { at: 'failed', error, retryAtMs, failures }
    }
    listener.loginFailed(auth.method, error.code, retryAfterMs)
    return error
  }

  #loginError(cause: unknown): SessionError {
    const method = this.#deps.auth.method
    const why = cause instanceof PortcullisError ? cause.message : 'the auth method failed'
    const temporary = cause instanceof PortcullisError ? cause.temporary : true
    return new SessionError('ERR_PORTCULLIS_SESSION_LOGIN', `${method} login failed: ${why}`, {
      method,
      cause,
      temporary,
    })
  }

  /** One look-up for all who ask at once. A token that may not look itself up is presumed dead: a new login settles it. */
  #isAlive(token: SessionToken): Promise<boolean> {
    if (this.#verifying?.token === token) return this.#verifying.isAlive
    const isAlive = this.#lookUp(token).finally(() => {
      if (this.#verifying?.token === token) this.#verifying = undefined
    })
    this.#verifying = { token, isAlive }
    return isAlive
  }

  async #lookUp(token: SessionToken): Promise<boolean> {
    try {
      await this.#deps.exchange({ operation: 'read', path: 'auth/token/lookup-self', token: token.token })
    } catch (error) {
      return !(error instanceof ServerError && (error.status === 403 || error.status === 400))
    }
    if (this.#state.at === 'live' && this.#state.token === token) {
      this.#state = { ...this.#state, verifiedAtMs: this.#deps.clock.now() }
    }
    return true
  }

  async #replaceDead(dead: SessionToken): Promise<'retry' | 'final'> {
    if (this.#state.at === 'live' && this.#state.token === dead) {
      this.#state = { at: 'none' }
      this.#forbiddenLoginAtMs = this.#deps.clock.now()
    }
    // A token handed to us may be alive and only not allowed to look itself up.
    if (dead.owned) dead.fate.isDead = true
    const next = await this.current()
    if (unseal(next.token) === unseal(dead.token)) return 'final'
    dead.fate.isDead = true
    return 'retry'
  }

  #ended(message: string): SessionError {
    return new SessionError('ERR_PORTCULLIS_SESSION_ENDED', message, { method: this.#deps.auth.method })
  }
}
