import type { Caller } from '../model/caller.ts'
import type { Explanation } from '../model/gateway.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { RuleSet } from './rule-set.ts'
import { PolicyRuling } from './ruling.ts'
import { type RuleVerdict, withShadow } from './verdict.ts'

/** What would be decided if the policies of mode shadow were enforced together with the others; it changes nothing. */
export class Shadow {
  readonly #policies: ReadonlySet<string>
  readonly #together: PolicyRuling
  /** One verdict for one pair, so that a repeated one is the identical object. */
  readonly #pairs = new WeakMap<RuleVerdict, WeakMap<RuleVerdict, RuleVerdict>>()

  /** @param together - Of all policies, whatever their mode. */
  constructor(together: readonly RuleSet[]) {
    this.#policies = new Set(together.filter(({ isShadow }) => isShadow).flatMap(({ policies }) => policies))
    this.#together = new PolicyRuling(together)
  }

  /** `verdict`, with what would be decided beside it where a shadow policy binds the caller. */
  beside(verdict: RuleVerdict, caller: Caller, request: GatewayRequest, nowMs: number): RuleVerdict {
    if (!this.#together.isShadowed(caller, request)) return verdict
    return this.#pair(verdict, this.#together.decide(caller, request, nowMs))
  }

  /** How it would be decided, and which of the shadow policies bind. */
  explain(caller: Caller, request: GatewayRequest, nowMs: number): Explanation {
    const { policies, unbound, ...rest } = this.#together.explain(caller, request, nowMs)
    return Object.freeze({
      ...rest,
      policies: Object.freeze(policies.filter((policy) => this.#policies.has(policy))),
      unbound: Object.freeze(unbound.filter(({ policy }) => this.#policies.has(policy))),
    })
  }

  #pair(verdict: RuleVerdict, shadow: RuleVerdict): RuleVerdict {
    let pairs = this.#pairs.get(verdict)
    if (pairs === undefined) {
      pairs = new WeakMap()
      this.#pairs.set(verdict, pairs)
    }
    let pair = pairs.get(shadow)
    if (pair === undefined) {
      pair = withShadow(verdict, shadow)
      pairs.set(shadow, pair)
    }
    return pair
  }
}
