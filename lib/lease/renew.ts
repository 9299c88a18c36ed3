import { LeaseError, ServerError } from '../errors/index.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { SessionToken } from '../session/session.ts'
import { type Kept, type Moment, openKept } from './kept.ts'

/** What came of asking for more time. */
export type RenewalOutcome =
  | {
      readonly kind: 'granted'
      /** When it was asked: the time granted counts from there. */
      readonly at: Moment
      /** What was left then. */
      readonly leftMs: number
      readonly grantedMs: number
      readonly renewable: boolean
    }
  | {
      readonly kind: 'failed'
      readonly error: unknown
      /** Is there no sense in asking again? */
      readonly isFinal: boolean
      /** Nobody knows: it may have been granted. */
      readonly isOpen: boolean
    }

/** Asks the server for more time, once. Never rejects. */
export type Renew = (kept: Kept) => Promise<RenewalOutcome>

export interface RenewDeps {
  readonly clock: Clock
  readonly exchange: OwnExchange
  readonly token: () => Promise<SessionToken>
  readonly forbidden: (token: SessionToken) => Promise<'retry' | 'final'>
  readonly lookUp: (kept: Kept) => Promise<void>
}

/** Bounds on one renewal: one that hangs must leave room for another, and for a successor. */
const LIMIT_MAX_MS = 10_000
const LIMIT_MIN_MS = 250

export function createRenew(deps: RenewDeps): Renew {
  return async (kept) => {
    const at = { nowMs: deps.clock.now(), wallMs: deps.clock.wallTime() }
    const leftMs = kept.ownLeftMs(at.nowMs)
    const increment = incrementOf(kept, at.nowMs)
    if (increment < 1) return { kind: 'failed', error: over(kept), isFinal: true, isOpen: false }
    let token: SessionToken | undefined
    try {
      token = await deps.token()
      const { namespace } = kept
      const data = { lease_id: openKept(kept).leaseId, increment }
      const timeoutMs = Math.max(Math.min(LIMIT_MAX_MS, leftMs / 2), LIMIT_MIN_MS)
      const path = 'sys/leases/renew'
      const answer = await deps.exchange({ operation: 'write', path, namespace, data, token: token.token, timeoutMs })
      const { leaseDurationMs: grantedMs, renewable } = answer
      return { kind: 'granted', at, leftMs, grantedMs, renewable }
    } catch (error) {
      return { kind: 'failed', error, ...(await judged(deps, kept, token, error)) }
    }
  }
}

/**
 * Seconds to ask for: what it was first granted, since a look-up tells only what is left, and to ask for that would shorten
 * it; never beyond the end that a rule sets.
 */
function incrementOf(kept: Kept, nowMs: number): number {
  return Math.min(Math.ceil(kept.firstLifeMs / 1000), Math.floor((kept.mustEndAtMs - nowMs) / 1000))
}

function over({ path }: Kept): LeaseError {
  return new LeaseError('ERR_PORTCULLIS_LEASE_EXPIRED', `the lease on ${path} is at the end that a rule sets it`)
}

async function judged(
  { forbidden, lookUp }: RenewDeps,
  kept: Kept,
  token: SessionToken | undefined,
  error: unknown,
): Promise<{ readonly isFinal: boolean; readonly isOpen: boolean }> {
  const status = error instanceof ServerError ? error.status : 0
  if (status === 400) {
    // Dead, or not renewable after all: a look-up tells which.
    await lookUp(kept).catch(() => {})
    return { isFinal: true, isOpen: false }
  }
  if (status !== 403 || token === undefined) return { isFinal: false, isOpen: status === 0 }
  const isFinal = (await forbidden(token).catch(() => 'unknown')) === 'final'
  return { isFinal, isOpen: false }
}
