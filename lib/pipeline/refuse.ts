import type { PolicyDeniedError } from '../errors/index.ts'
import type { Decision } from '../model/decision.ts'
import type { GatewayEvents } from '../model/events.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Call } from './call.ts'
import { refusedDecision } from './denial.ts'
import type { Entries } from './entries.ts'

/** What is refused, and for whom. */
export type Refused = Pick<Call, 'id' | 'caller' | 'identity' | 'request' | 'trace'>

/**
 * Refuses a request of which nothing has left the process: counted, recorded and told, since an attempt is what an auditor
 * looks for.
 *
 * @throws `error`, or the audit's own with it as cause; what is no refusal of ours as it is.
 */
export type Refuse = (refused: Refused, error: unknown) => Promise<never>

export interface RefuseDeps {
  readonly entries: Entries
  readonly telemetry: Telemetry
  readonly emit: (event: 'denied', ...args: Parameters<GatewayEvents['denied']>) => void
}

export function createRefuse({ entries, telemetry, emit }: RefuseDeps): Refuse {
  return async ({ id, caller, identity, request, trace }, error) => {
    const decision = refusedDecision(error)
    if (decision === undefined) throw error
    countDecision(telemetry, decision)
    const subject = { id, caller, decision, request, auth: identity.session.peek()?.audit, trace }
    const rejected = await entries.failure(subject, 'request', error as PolicyDeniedError)
    emit('denied', { operation: request.operation, path: request.path, decision })
    throw rejected
  }
}

export function countDecision(telemetry: Telemetry, decision: Decision): void {
  telemetry.count('portcullis.policy.decisions', decisionAttributes(decision))
}

const decisionMemo = new Map<string, Readonly<Record<string, string>>>()

/** Effects and reasons are fixed words, so the memo is small and a hit allocates nothing. */
function decisionAttributes({ effect, reason, shadow }: Decision): Readonly<Record<string, string>> {
  const key = shadow === undefined ? `${effect} ${reason}` : `${effect} ${reason} ${shadow.effect}`
  let attributes = decisionMemo.get(key)
  if (attributes === undefined) {
    attributes = Object.freeze({
      'portcullis.decision.effect': effect,
      'portcullis.decision.reason': reason,
      ...(shadow === undefined ? {} : { 'portcullis.shadow.effect': shadow.effect }),
    })
    decisionMemo.set(key, attributes)
  }
  return attributes
}
