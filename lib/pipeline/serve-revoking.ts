import { AuditError, ServerError } from '../errors/index.ts'
import type { AloneLeases } from '../lease/alone-leases.ts'
import type { Keeper } from '../lease/keeper.ts'
import { type Kept, openKept } from '../lease/kept.ts'
import { endsLease, evictsAfter, mayEndTokens, type Revocation, type RevocationOutcome } from '../lease/revocations.ts'
import type { Answer } from '../model/answer.ts'
import { unseal } from '../model/sealed.ts'
import type { Session, SessionToken } from '../session/session.ts'
import type { Call } from './call.ts'

export interface ServeRevokingDeps {
  readonly serveAlone: (call: Call) => Promise<Answer>
  readonly alone: AloneLeases
  readonly keeper: Keeper
  /** The gateway's own. */
  readonly session: Session
  readonly hash: (text: string) => string
}

/** Serves a revocation, and drops what it named before its caller learns that it is done. */
export function createServeRevoking(deps: ServeRevokingDeps): (call: Call, revocation: Revocation) => Promise<Answer> {
  return async (call, revocation) => {
    let outcome: RevocationOutcome | 'unsent' = 'ok'
    // Meanwhile the session may go on to another token: what names itself names the one it was sent with.
    let sentWith: SessionToken | undefined
    const session = told(call.identity.session, (token) => {
      sentWith = token
    })
    try {
      return await deps.serveAlone({ ...call, identity: { ...call.identity, session } })
    } catch (error) {
      outcome = outcomeOf(error)
      throw error
    } finally {
      if (outcome !== 'unsent' && evictsAfter(outcome)) evict(deps, call, revocation, sentWith, outcome === 'ok')
    }
  }
}

function outcomeOf(error: unknown): RevocationOutcome | 'unsent' {
  if (error instanceof AuditError && error.phase === 'request') return 'unsent'
  return error instanceof ServerError && error.status > 0 ? { status: error.status } : 'unknown'
}

function evict(
  { alone, keeper, session, hash }: ServeRevokingDeps,
  call: Call,
  revocation: Revocation,
  sentWith: SessionToken | undefined,
  isCertain: boolean,
): void {
  const { namespace } = call.request
  alone.revoked(revocation, namespace)
  if (revocation.kind !== 'token') {
    keeper.ended((kept) => endsLease(revocation, namespace, leaseOf(kept)), 'revoked', isCertain)
  } else {
    const current = session.peek()
    const token = revocation.by === 'self' ? sentWith : current
    const own = token !== undefined && isMeant(revocation, token, call, hash) ? token.fate : undefined
    // Where nobody knows, the token may live on: a look-up tells, and what it minted is given back meanwhile.
    if (own !== undefined && isCertain) own.isDead = true
    keeper.ended(({ fate }) => fate?.isDead === true || (own !== undefined && fate === own), 'lost', isCertain)
    // Which other tokens die with it cannot be seen: what tokens of callers fetched goes too.
    keeper.ended(({ fate }) => fate !== current?.fate, 'lost', false)
  }
  // A token has a lease of its own; whether ours was among what was revoked, only a look-up tells.
  const own = session.peek()
  if (mayEndTokens(revocation) && own !== undefined) session.forbidden(own).catch(() => {})
}

/** The same session, whose `onUsed` is told each token that it gives. */
function told(session: Session, onUsed: (token: SessionToken) => void): Session {
  return {
    async current(): Promise<SessionToken> {
      const token = await session.current()
      onUsed(token)
      return token
    },
    peek: () => session.peek(),
    forbidden: (token, refusal) => session.forbidden(token, refusal),
    wasSeenAlive: (token, sinceMs) => session.wasSeenAlive(token, sinceMs),
    state: () => session.state(),
    close: () => session.close(),
  }
}

function isMeant(
  revocation: Extract<Revocation, { readonly kind: 'token' }>,
  token: SessionToken,
  call: Call,
  hash: (text: string) => string,
): boolean {
  if (revocation.by === 'self') return call.identity.id === ''
  const hashed = hash(unseal(revocation.value))
  return hashed === (revocation.by === 'token' ? token.audit.client_token : token.audit.accessor)
}

function leaseOf(kept: Kept): { readonly leaseId: string; readonly namespace: string } {
  return { leaseId: openKept(kept).leaseId, namespace: kept.namespace }
}
