import type { Keeper } from '../lease/keeper.ts'
import { openKept } from '../lease/kept.ts'
import type { Line } from '../lease/line.ts'
import { endsLease, type Revocation, renewalOf, revocationOf } from '../lease/revocations.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { Verdict } from '../policy/engine.ts'
import type { PipelineDeps } from './pipeline.ts'

/**
 * Refuses the renewal or revocation of a lease that this gateway keeps for all its callers, unless a rule says so.
 *
 * A rule on `sys/*` was hardly written to let one caller end what the others use; one on `sys/leases/revoke` was. Asked
 * of callers made by `as()` alone: the leases are those of the program that opened the gateway.
 */
export function createGuardLease(keeper: Keeper): PipelineDeps['guardLease'] {
  return (caller: Caller, request: GatewayRequest, verdict: Verdict): Decision | undefined => {
    const isProgram = caller.parent === undefined && caller.isGuest !== true
    if (isProgram || verdict.managesLeases === true || !request.path.startsWith('sys/')) return undefined
    const named = namedBy(request)
    if (named === undefined) return undefined
    const { namespace } = request
    const isMeant = ({ kept }: Line): boolean =>
      endsLease(named, namespace, { leaseId: openKept(kept).leaseId, namespace: kept.namespace })
    if (![...keeper.lines()].some(isMeant)) return undefined
    const { policy, rule } = verdict.decision
    const message = 'other callers share the lease; a rule whose path names the renewal or revocation would allow it'
    return Object.freeze({ effect: 'deny', reason: 'shared-lease', policy, rule, message })
  }
}

function namedBy(request: GatewayRequest): Revocation | undefined {
  const renewal = renewalOf(request)
  const revocation = renewal === undefined ? revocationOf(request) : ({ kind: 'lease', ...renewal } as const)
  return revocation?.kind === 'token' ? undefined : revocation
}
