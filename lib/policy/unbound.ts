import type { Caller } from '../model/caller.ts'
import type { UnboundPolicy } from '../model/gateway.ts'
import { unbindingReason } from './binding.ts'
import type { RuleSet } from './rule-set.ts'

/** Policies among `sets` that do not bind `caller`, or one above it, and what their subjects ask for; root first. */
export function unboundPolicies(sets: readonly RuleSet[], caller: Caller): readonly UnboundPolicy[] {
  const chain: Caller[] = []
  for (let link: Caller | undefined = caller; link !== undefined; link = link.parent) chain.unshift(link)
  return chain.flatMap((who, link) =>
    sets.flatMap((set) => {
      const reason = unbindingReason(set, who)
      if (reason === undefined) return []
      const why =
        reason === 'holder'
          ? `binds no holder of a token as such: its subject does not demand "token"`
          : `the caller${reason.pointer} ${reason.hint} (${reason.keyword})`
      return set.policies.map((policy) => Object.freeze({ policy, link, why }))
    }),
  )
}
