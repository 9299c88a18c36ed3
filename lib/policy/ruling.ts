import type { Caller } from '../model/caller.ts'
import type { Explanation } from '../model/gateway.ts'
import type { GatewayRequest } from '../model/request.ts'
import { Bindings, unbindingReason } from './binding.ts'
import { explained, unexplained } from './explain.ts'
import { judge, NO_POLICY } from './judge.ts'
import { promiseOf, type RulePromise } from './promises.ts'
import type { RuleSet } from './rule-set.ts'
import { allowed, type RuleVerdict } from './verdict.ts'

/** What some policies together say of any request of any caller. */
export interface Ruling {
  /** @param nowMs - By the wall clock. */
  decide(caller: Caller, request: GatewayRequest, nowMs: number): RuleVerdict
  explain(caller: Caller, request: GatewayRequest, nowMs: number): Explanation
  /** What rules that bind `caller` itself allow it. */
  promises(caller: Caller): readonly RulePromise[]
}

/** The ruling of policies. */
export class PolicyRuling implements Ruling {
  readonly #sets: readonly RuleSet[]
  readonly #bindings: Bindings

  constructor(sets: readonly RuleSet[]) {
    this.#sets = sets
    this.#bindings = new Bindings(sets)
  }

  decide(caller: Caller, request: GatewayRequest, nowMs: number): RuleVerdict {
    const scope = this.#bindings.of(caller).get(request.namespace)
    if (scope === undefined) return NO_POLICY
    const plan = this.#bindings.plan(scope, request.operation, request.path)
    return plan.fixed ?? judge(plan, request, nowMs)
  }

  explain(caller: Caller, request: GatewayRequest, nowMs: number): Explanation {
    const { decision } = this.decide(caller, request, nowMs)
    const chain = this.#bindings.of(caller).get(request.namespace)?.chain ?? []
    const sets = this.#sets.filter(({ namespace }) => namespace === request.namespace)
    return explained({ caller, request, decision, sets, chain, nowMs })
  }

  promises(caller: Caller): readonly RulePromise[] {
    return this.#sets
      .filter((set) => unbindingReason(set, caller) === undefined)
      .flatMap(({ allows, namespace }) => allows.flatMap((rule) => promiseOf(rule, namespace, caller.attributes) ?? []))
  }

  /** Does a policy of mode shadow bind some caller of the chain? */
  isShadowed(caller: Caller, { namespace }: GatewayRequest): boolean {
    return this.#bindings.of(caller).get(namespace)?.isShadowed === true
  }
}

const LETS_ALL: RuleVerdict = allowed(
  {
    reason: 'unrestricted',
    policy: undefined,
    rule: undefined,
    message: 'no policies are in force: everything is allowed',
  },
  { cache: undefined, createOnly: false, managesLeases: true, responses: [] },
)

/** DANGEROUS: lets everything through. */
export const UNRESTRICTED: Ruling = Object.freeze({
  decide: () => LETS_ALL,
  explain: () => unexplained(LETS_ALL.decision),
  promises: () => [],
})
