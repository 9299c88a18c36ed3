import { hash } from 'node:crypto'
import type { Caller } from '../../model/caller.ts'
import type { Decision } from '../../model/decision.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Verdict } from '../verdict.ts'
import { Buckets, type Draw } from './buckets.ts'
import type { LinkLimits, RuleLimits } from './rule-limits.ts'

/** A refusal by a limit. */
export interface LimitRefusal {
  readonly decision: Decision
  /** When the same may pass, as far as is known; whole milliseconds, above 0. */
  readonly retryAfterMs: number | undefined
}

/** The most leases that one caller may have under one rule. */
export interface LeaseCap {
  /** Of rule and caller. */
  readonly key: string
  readonly max: number
  /** The refusal where it is reached. */
  refusal(retryAfterMs: number | undefined): LimitRefusal
}

/**
 * What callers have used up of the limits of rules.
 *
 * Counted for each rule and each caller of a chain: what callers below one do counts for it, too. By the names of policy and
 * rule, so that counting goes on when policies are reloaded.
 */
export interface Limits {
  /** Takes one access from what each rule of `verdict` has left for `caller`, or nothing: then it is refused. */
  access(caller: Caller, verdict: Verdict): LimitRefusal | undefined
  /** Caps on what is minted for `caller` under `verdict`; empty for most. */
  leaseCaps(caller: Caller, verdict: Verdict): readonly LeaseCap[]
}

export function createLimits(clock: Pick<Clock, 'now'>, buckets: Buckets = new Buckets()): Limits {
  return new CallerLimits(clock, buckets)
}

class CallerLimits implements Limits {
  readonly #clock: Pick<Clock, 'now'>
  readonly #buckets: Buckets
  readonly #keys = new WeakMap<RuleLimits, WeakMap<Caller, string>>()

  constructor(clock: Pick<Clock, 'now'>, buckets: Buckets) {
    this.#clock = clock
    this.#buckets = buckets
  }

  access(caller: Caller, { limits = NONE }: Verdict): LimitRefusal | undefined {
    if (limits.length === 0) return undefined
    const callers = chainOf(caller)
    const draws = limits.flatMap((limit): (Draw & LinkLimits)[] => {
      const { rate } = limit.limits
      return rate === undefined ? [] : [{ ...limit, rate, key: this.#key(callers, limit), ruleKey: ruleKeyOf(limit) }]
    })
    const lacking = draws.length === 0 ? undefined : this.#buckets.draw(draws, this.#clock.now())
    const refused = lacking === undefined ? undefined : draws[lacking.at]
    if (lacking === undefined || refused === undefined) return undefined
    const { rateText, rate } = refused.limits
    const what = `the rule lets ${rateText} through, ${rate?.burst} at once`
    return { decision: refusedBy(refused, callers, 'rate', what), retryAfterMs: lacking.waitMs }
  }

  leaseCaps(caller: Caller, { limits = NONE }: Verdict): readonly LeaseCap[] {
    if (limits.length === 0) return NONE
    const callers = chainOf(caller)
    return limits
      .filter(({ limits: { leases } }) => leases !== Infinity)
      .map((limit) => {
        const max = limit.limits.leases
        const what = `the rule lets ${max === 1 ? 'one lease' : `${max} leases`} live at once`
        const refusal = (retryAfterMs: number | undefined): LimitRefusal => ({
          decision: refusedBy(limit, callers, 'leases', what),
          retryAfterMs,
        })
        return { key: this.#key(callers, limit), max, refusal }
      })
  }

  /** A hash: attributes may be long, and there may be many callers. */
  #key(callers: readonly Caller[], { link, limits }: LinkLimits): string {
    const caller = callers[link]
    if (caller === undefined) throw new TypeError('the verdict is not one on this caller')
    let ofRule = this.#keys.get(limits)
    if (ofRule === undefined) {
      ofRule = new WeakMap()
      this.#keys.set(limits, ofRule)
    }
    let key = ofRule.get(caller)
    if (key === undefined) {
      key = hash('sha256', JSON.stringify([limits.policy, limits.rule, caller.id]), 'binary')
      ofRule.set(caller, key)
    }
    return key
  }
}

const NONE: readonly never[] = Object.freeze([])

/** Root first. */
function chainOf(caller: Caller): readonly Caller[] {
  const chain: Caller[] = []
  for (let link: Caller | undefined = caller; link !== undefined; link = link.parent) chain.unshift(link)
  return chain
}

function ruleKeyOf({ limits: { policy, rule } }: LinkLimits): string {
  return `${policy}\n${rule}`
}

function refusedBy(
  { link, limits: { policy, rule } }: LinkLimits,
  callers: readonly Caller[],
  keyword: 'rate' | 'leases',
  what: string,
): Decision {
  const whose = link === callers.length - 1 ? '' : ', for a caller above this one together with all below it'
  const message = `${what}${whose} (${keyword})`
  return Object.freeze({ effect: 'deny', reason: keyword, policy, rule, message, keyword })
}
