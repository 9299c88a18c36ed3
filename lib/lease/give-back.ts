import type { OwnExchange } from '../ports/auth-method.ts'
import type { SessionToken } from '../session/session.ts'
import { codeOf } from './code-of.ts'
import { type Kept, openKept } from './kept.ts'
import type { HeldLease } from './revocations.ts'

/** Ends a lease at the server. Never rejects: what cannot be ended is `leaked`, and said to be so. */
export type GiveBack = (kept: Kept) => Promise<'released' | 'leaked'>

export interface GiveBackDeps {
  readonly revoke: Revoke
  readonly onReleased: (kept: Kept) => void
  /** It lives on at the server, and is served to nobody. */
  readonly onLeaked: (kept: Kept, code: string) => void
}

/** Has the server end a lease, as the holder of the gateway's own token. */
export type Revoke = (lease: HeldLease) => Promise<void>

/** Bound on one release, so that a server which hangs does not hold a shutdown. */
export const RELEASE_TIMEOUT_MS = 5_000

export function createRevoke(exchange: OwnExchange, token: () => Promise<SessionToken>): Revoke {
  return async ({ leaseId, namespace }) => {
    const own = await token()
    const data = { lease_id: leaseId }
    const timeoutMs = RELEASE_TIMEOUT_MS
    await exchange({ operation: 'write', path: 'sys/leases/revoke', namespace, data, token: own.token, timeoutMs })
  }
}

export function createGiveBack({ revoke, onReleased, onLeaked }: GiveBackDeps): GiveBack {
  /** What is given back from two sides is given back once. */
  const given = new WeakMap<Kept, ReturnType<GiveBack>>()
  const release = async (kept: Kept): ReturnType<GiveBack> => {
    kept.end()
    // A certificate or the password of a static role has no lease; there is nothing to give back.
    if (!kept.isLeased) return 'released'
    try {
      await revoke({ leaseId: openKept(kept).leaseId, namespace: kept.namespace })
      onReleased(kept)
      return 'released'
    } catch (error) {
      given.delete(kept)
      onLeaked(kept, codeOf(error))
      return 'leaked'
    }
  }
  return async (kept) => {
    // What a read gave away is left to lapse: nobody's value is revoked under him.
    if (kept.isHandedOut) return 'released'
    const under = given.get(kept) ?? release(kept)
    given.set(kept, under)
    return under
  }
}
