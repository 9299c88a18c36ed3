import { PortcullisError } from '../errors/index.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { SessionListener, SessionToken } from './session-token.ts'

/** Bound on each step of a session's close. */
export const SESSION_CLOSE_LIMIT_MS = 5_000

/** Tokens that a session has done with and the server has not. */
export interface Retired {
  /** To be revoked at close, if it is ours. After {@link revokeAll} that is at once. */
  add(token: SessionToken): void
  /** Revokes all, bounded in time. Never rejects. */
  revokeAll(): Promise<void>
}

export interface RetiredDeps {
  readonly exchange: OwnExchange
  readonly clock: Clock
  readonly listener: SessionListener
}

/** Tokens of few uses come by quickly; beyond this the oldest lapse by themselves. */
const MAX_RETIRED = 32

export function createRetired({ exchange, clock, listener }: RetiredDeps): Retired {
  const tokens = new Set<SessionToken>()
  let isClosed = false

  const hasEnded = ({ fate }: SessionToken): boolean => fate.endsAtMs <= clock.now()

  const revoke = async ({ token }: SessionToken): Promise<void> => {
    try {
      const path = 'auth/token/revoke-self'
      await exchange({ operation: 'write', path, token, timeoutMs: SESSION_CLOSE_LIMIT_MS })
    } catch (error) {
      listener.leaked(error instanceof PortcullisError ? error.code : 'unknown')
    }
  }

  return {
    add(token): void {
      if (!token.owned || hasEnded(token)) return
      if (isClosed) return void revoke(token)
      for (const each of tokens) if (hasEnded(each) || tokens.size >= MAX_RETIRED) tokens.delete(each)
      tokens.add(token)
    },
    async revokeAll(): Promise<void> {
      isClosed = true
      const left = [...tokens].filter((token) => !hasEnded(token))
      tokens.clear()
      await Promise.all(left.map(revoke))
    },
  }
}

/** Waits for a login under way, for one step of a close at most. */
export async function settledOrLate(login: Promise<void> | undefined, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const limit = clock.after(SESSION_CLOSE_LIMIT_MS, resolve)
  await Promise.race([login?.catch(() => undefined), promise])
  limit.cancel()
}
