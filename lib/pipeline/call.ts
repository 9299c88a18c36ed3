import type { AuditEntry } from '../model/audit-entry.ts'
import type { Caller } from '../model/caller.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { Verdict } from '../policy/engine.ts'
import type { Session } from '../session/session.ts'

/** Whose token a request is sent with. */
export interface Identity {
  /** `''` for the gateway's own session, which may mint what all share; else the HMAC of a caller's token. */
  readonly id: string
  readonly session: Session
}

/** A request on its way: normalised and allowed. */
export interface Call {
  /** Ours; joins its audit entries, and goes to the server as correlation id. */
  readonly id: string
  readonly caller: Caller
  readonly identity: Identity
  readonly request: GatewayRequest
  readonly verdict: Verdict
  readonly trace: AuditEntry['trace']
  /** Sent without a token: a login on behalf of the caller. */
  readonly isLogin: boolean
  /** Its caller holds what it gets. */
  readonly isHeld?: boolean
  /** Its caller wants to know what the server says now: nothing older will do. */
  readonly isWatched?: boolean
  readonly signal: AbortSignal | undefined
  /** Bound on this call's exchange; `undefined`: the server's. */
  readonly timeoutMs: number | undefined
}
