import type { AuditEntry } from '../model/audit-entry.ts'
import type { Sealed } from '../model/sealed.ts'
import type { Environment } from '../options/environment.ts'
import type { AuthMethod, OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { Files } from '../ports/files.ts'
import type { Random } from '../ports/random.ts'
import type { Scheduled } from './live-token.ts'

/** What becomes of a token; shared by reference with all that it mints. */
export interface TokenFate {
  /** Turns true when it is found dead at the server: what it minted died with it. */
  isDead: boolean
  /** Monotonic reading at which it ends for certain; moves when it is renewed; `Infinity`: no end known. */
  endsAtMs: number
}

/** A live token of a session. A new object for each login that gave another token. */
export interface SessionToken {
  readonly token: Sealed<string>
  /** Counts the tokens of this session, from 1. */
  readonly generation: number
  readonly owned: boolean
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
  /**
   * A live token; logs in where there is none. All who wait share one login.
   *
   * Each call is one use of it: of a token with limited uses all but one are handed out, and then a new login is made.
   *
   * @throws {SessionError}
   */
  current(): Promise<SessionToken>
  /** The live token, if there is one now; never logs in, and is not for sending. */
  peek(): SessionToken | undefined
  /**
   * Says that a request with `token` was answered 403. Its text is only a hint, so the token is looked up.
   *
   * @param refusal - The error of that answer: where it sounds like a dead token, a look-up is worth waiting for.
   * @returns `retry` when a newer token is there: worth one more try. `final` when the token lives, or cannot be replaced.
   */
  forbidden(token: SessionToken, refusal?: unknown): Promise<'retry' | 'final'>
  /** Is it the live token, and did the server say so at `sinceMs` or later? */
  wasSeenAlive(token: SessionToken, sinceMs: number): boolean
  state(): SessionState
  /** Revokes the tokens that are ours and have not ended; errors go to the listener. Takes about 5 s at most, 10 s with a login under way. Idempotent. */
  close(): Promise<void>
}

/** What happens in a session, for events, metrics and leases. */
export interface SessionListener {
  login(token: SessionToken, method: string): void
  loginFailed(method: string, code: string, retryAfterMs: number): void
  /** A renewal moved the end of `token`, ahead or (where the server grants less) back. */
  renewed(token: SessionToken, method: string): void
  /** A renewal failed for the time being. */
  renewalFailed?(method: string, code: string, retryAfterMs: number): void
  /** A new token took over ahead of the old one's end; leases of `old` are to be rotated before `old.fate.endsAtMs`. */
  succeeded(old: SessionToken, next: SessionToken): void
  /** `token` was found dead: what it minted is gone. */
  died(token: SessionToken): void
  /** The token could not be revoked at the end, nor could what it minted. */
  leaked(code: string): void
}

/** What a session acts through. */
export interface SessionDeps {
  readonly auth: AuthMethod
  readonly exchange: OwnExchange
  readonly clock: Clock
  readonly random: Random
  readonly files: Files
  /** For auth methods whose credentials are kept there. */
  readonly environment: Environment
  /** Moments of renewals and early logins. Keeps no process alive. */
  readonly schedule: { at(dueMs: number, run: () => void): Scheduled }
  readonly hash: (text: string) => string
  readonly listener: SessionListener
  /**
   * Is a token renewed again and again once it was used? Default true: leases hang on it.
   * False for tokens of callers: one that is not used between two renewals is left to lapse.
   */
  readonly keepsAlive?: boolean
}
