import type { GatewayEmitter } from './emitter.ts'
import type { Keeper } from './lease/keeper.ts'
import type { OwnEvents } from './own-events.ts'
import type { Clock } from './ports/clock.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { SessionListener, SessionToken } from './session/session.ts'

interface ListenerParts {
  readonly clock: Clock
  readonly emitter: GatewayEmitter
  readonly events: OwnEvents
  readonly telemetry: Telemetry
  readonly onLeak: (path: string, code: string) => void
}

/** What a session does, as events for the program and counts for the operator; the leases of a token follow its fate. */
export function createSessionListener(
  { clock, emitter, events, onLeak, telemetry }: ListenerParts,
  method: string,
  keeper: () => Keeper,
): SessionListener {
  const ttlOf = ({ fate }: SessionToken): number => fate.endsAtMs - clock.now()
  const count = (name: 'portcullis.session.logins' | 'portcullis.session.renewals', outcome: string): void =>
    telemetry.count(name, { 'portcullis.auth.method': method, 'portcullis.outcome': outcome })
  const ended = (how: string): void =>
    telemetry.count('portcullis.session.tokens_ended', {
      'portcullis.auth.method': method,
      'portcullis.session.end': how,
    })
  return {
    login(token): void {
      count('portcullis.session.logins', 'ok')
      emitter.emit('login', { method, generation: token.generation, ttlMs: ttlOf(token) })
    },
    loginFailed(_, code, retryAfterMs): void {
      count('portcullis.session.logins', 'failed')
      emitter.emit('loginFailed', { method, code, retryAfterMs })
    },
    renewed(token): void {
      count('portcullis.session.renewals', 'ok')
      emitter.emit('tokenRenewed', { method, ttlMs: ttlOf(token) })
    },
    renewalFailed: () => count('portcullis.session.renewals', 'failed'),
    succeeded(old): void {
      ended('succeeded')
      keeper().succeeded(old.fate)
    },
    died(token): void {
      ended('died')
      events.record('session.token_died', { method, generation: token.generation })
      keeper().ended((kept) => kept.fate === token.fate, 'lost')
    },
    leaked: (code) => onLeak('auth/token/revoke-self', code),
  }
}
