import type { Decision } from '../model/decision.ts'
import type { Explanation, RuleNote } from '../model/gateway.ts'
import type { GatewayRequest } from '../model/request.ts'
import { objection } from './judge.ts'
import { covers, grantsCreateOnly, type Rule } from './rule.ts'
import { forbiddingRules, matchingRules, pathForms, type RuleSet, winningRules } from './rule-set.ts'

/**
 * Why `decision` fell: the policies that bind, and what each rule that matches the path had to say.
 *
 * @param chain - Rule sets of each caller, root first.
 */
export function explained(
  chain: readonly (readonly RuleSet[])[],
  request: GatewayRequest,
  decision: Decision,
): Explanation {
  const policies = chain.flatMap((sets) => sets.flatMap((set) => set.policies))
  const rules = chain.flatMap((sets) => linkNotes(sets, request))
  return Object.freeze({ decision, policies: Object.freeze([...new Set(policies)]), rules: Object.freeze(rules) })
}

function linkNotes(sets: readonly RuleSet[], request: GatewayRequest): readonly RuleNote[] {
  const forms = pathForms(request.operation, request.path)
  const forbids = forbiddingRules(sets, forms)
  const winners = winningRules(sets, forms)
  const losers = matchingRules(sets, forms).filter((rule) => !winners.includes(rule))
  const winning = winners[0]?.pattern.text ?? ''
  return [
    ...forbids.map((rule) => note(rule, covers(rule, request.operation) ? 'forbids' : unconcerned(rule, request))),
    ...winnerNotes(winners, request),
    ...losers.map((rule) => note(rule, `not used: ${JSON.stringify(winning)} is more specific`)),
  ]
}

function winnerNotes(winners: readonly Rule[], request: GatewayRequest): readonly RuleNote[] {
  const isDenied = winners.some((rule) => rule.effect === 'deny' && covers(rule, request.operation))
  let hasAccepted = false
  const outcomes = new Map<Rule, string>()
  for (const rule of inTurn(winners, request)) {
    const outcome = outcomeOf(rule, request, isDenied, hasAccepted)
    hasAccepted ||= outcome === ALLOWS
    outcomes.set(rule, outcome)
  }
  return winners.map((rule) => note(rule, outcomes.get(rule) ?? ''))
}

const ALLOWS = 'allows'

/** For a write, rules that grant create alone come last. */
function inTurn(rules: readonly Rule[], { operation }: GatewayRequest): readonly Rule[] {
  if (operation !== 'write') return rules
  return [...rules.filter((rule) => !grantsCreateOnly(rule)), ...rules.filter(grantsCreateOnly)]
}

function outcomeOf(rule: Rule, request: GatewayRequest, isDenied: boolean, hasAccepted: boolean): string {
  if (!covers(rule, request.operation)) return unconcerned(rule, request)
  if (rule.effect === 'deny') return 'denies'
  if (isDenied) return 'not used: a rule on the same path denies'
  if (hasAccepted) return 'not used: another rule on the same path allows'
  const refused = objection(rule, request)
  return refused === undefined ? ALLOWS : `refuses: ${refused.message}`
}

function unconcerned({ effect }: Rule, { operation }: GatewayRequest): string {
  return effect === 'allow' ? `does not grant ${operation}` : `does not name ${operation}`
}

function note({ policy, id, pattern }: Rule, outcome: string): RuleNote {
  return Object.freeze({ policy, rule: id, path: pattern.text, outcome })
}
