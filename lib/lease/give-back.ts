import type { OwnExchange } from '../ports/auth-method.ts'
import type { SessionToken } from '../session/session.ts'
import { codeOf } from './code-of.ts'
import { type Kept, openKept } from './kept.ts'

/** Ends a lease at the server. Never rejects: what cannot be ended is `leaked`, and said to be so. */
export type GiveBack = (kept: Kept) => Promise<'released' | 'leaked'>

export interface GiveBackDeps {
  readonly exchange: OwnExchange
  readonly token: () => Promise<SessionToken>
  readonly onReleased: (path: string) => void
  /** It lives on at the server, and is served to nobody. */
  readonly onLeaked: (kept: Kept, code: string) => void
}

/** Bound on one release, so that a server which hangs does not hold a shutdown. */
export const RELEASE_TIMEOUT_MS = 5_000

export function createGiveBack({ exchange, token, onReleased, onLeaked }: GiveBackDeps): GiveBack {
  return async (kept) => {
    // What a read gave away is left to lapse: nobody's value is revoked under him.
    if (kept.isHandedOut) return 'released'
    kept.end()
    // A certificate or the password of a static role has no lease; there is nothing to give back.
    if (!kept.isLeased) return 'released'
    const { namespace, path } = kept
    try {
      const own = await token()
      const data = { lease_id: openKept(kept).leaseId }
      const timeoutMs = RELEASE_TIMEOUT_MS
      await exchange({ operation: 'write', path: 'sys/leases/revoke', namespace, data, token: own.token, timeoutMs })
      onReleased(path)
      return 'released'
    } catch (error) {
      onLeaked(kept, codeOf(error))
      return 'leaked'
    }
  }
}
