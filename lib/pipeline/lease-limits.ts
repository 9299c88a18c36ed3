import type { Seat } from '../lease/budget.ts'
import type { CapReached, RuleBudget } from '../lease/rule-budget.ts'
import type { LeaseCap, Limits } from '../policy/limits/limits.ts'
import type { Call } from './call.ts'
import { limited } from './denial.ts'
import type { Minting } from './minting.ts'

type Limited = Pick<Call, 'caller' | 'request' | 'verdict'>

/** Lets in what may mint while the rules that allow it have room for another lease of each caller of the chain. */
export interface LeaseLimits {
  /** Finds out whether `call` may mint, where a rule limits that and it is not known; `undefined` where there is nothing to wait for. */
  ready(call: Limited, isStatic: boolean): Promise<unknown> | undefined
  /**
   * A seat for what may come of `call`; at once for what no rule limits.
   *
   * @param isStatic - Was it answered without a lease before?
   * @throws {PolicyDeniedError} `ERR_PORTCULLIS_POLICY_LIMIT`, by rejecting.
   */
  admit(call: Limited, isStatic: boolean): Seat | Promise<Seat>
  /** A seat for the successor of a lease that is about to go. @throws {PolicyDeniedError} where predecessors pile up. */
  succeed(call: Limited): Seat
}

export interface LeaseLimitsDeps {
  readonly limits: Limits
  readonly ruleBudget: RuleBudget
  readonly minting: Minting
}

/** Of what no rule limits. */
export const NO_SEAT: Seat = Object.freeze({ land() {}, leave() {} })

export function createLeaseLimits({ limits, ruleBudget, minting }: LeaseLimitsDeps): LeaseLimits {
  const refusal = ({ reached, retryAfterMs }: CapReached<LeaseCap>, { request, verdict }: Limited): Error =>
    limited(reached.refusal(retryAfterMs), verdict.decision, request)

  const admitted = async (call: Limited, caps: readonly LeaseCap[]): Promise<Seat> => {
    if (!(minting.known(call.request) ?? (await minting.ask(call.request)))) return ruleBudget.pass(caps)
    const seat = await ruleBudget.admit(caps)
    if ('land' in seat) return seat
    throw refusal(seat, call)
  }

  return {
    // Before a seat is taken: reads of what is stored must not wait for each other.
    ready(call, isStatic): Promise<unknown> | undefined {
      if (isStatic || limits.leaseCaps(call.caller, call.verdict).length === 0) return undefined
      return minting.known(call.request) === undefined ? minting.ask(call.request) : undefined
    },
    admit(call, isStatic): Seat | Promise<Seat> {
      const caps = limits.leaseCaps(call.caller, call.verdict)
      if (caps.length === 0) return NO_SEAT
      if (isStatic || minting.known(call.request) === false) return ruleBudget.pass(caps)
      return admitted(call, caps)
    },
    succeed(call): Seat {
      const caps = limits.leaseCaps(call.caller, call.verdict)
      const seat = caps.length === 0 ? NO_SEAT : ruleBudget.succeed(caps)
      if ('land' in seat) return seat
      throw refusal(seat, call)
    },
  }
}
