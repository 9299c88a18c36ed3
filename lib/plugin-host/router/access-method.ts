import { seal } from '../../model/sealed.ts'
import type { AuthMethod, Login } from '../../ports/auth-method.ts'
import type { TokenKind } from './token.ts'
import type { Tokens } from './tokens.ts'

/** A token of the host's own lasts so long without being renewed: what a crashed process held ends by then. */
export const OWN_TOKEN_PERIOD_MS = 86_400_000

/** Gives tokens of the host to gateways in the same process. Nothing is sent: who holds the host may have them. */
export function createAccessMethod(tokens: Tokens, kind: Exclude<TokenKind, 'caller'>): AuthMethod {
  const policies = Object.freeze([kind])
  return Object.freeze({
    ...{ method: 'plugin-host', isUnseen: true },
    async login(): Promise<Login> {
      const { token, value } = await tokens.create({
        kind,
        path: 'auth/token/create',
        policies,
        displayName: kind,
        ttlMs: OWN_TOKEN_PERIOD_MS,
        periodMs: OWN_TOKEN_PERIOD_MS,
      })
      const { accessor, renewable } = token.record
      return {
        owned: true,
        grant: {
          token: seal(value),
          accessor: seal(accessor),
          ttlMs: OWN_TOKEN_PERIOD_MS,
          renewable,
          policies,
          tokenType: 'service',
          orphan: true,
          numUses: 0,
          mfaRequired: false,
        },
      }
    },
  })
}
