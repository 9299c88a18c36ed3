import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { Explanation, RuleNote, RuleResult } from '../model/gateway.ts'
import type { Operation } from '../model/operation.ts'
import type { GatewayRequest } from '../model/request.ts'
import { objection } from './judge.ts'
import { rankReason } from './rank-reason.ts'
import { covers, grantsCreateOnly, isSilent, type Rule } from './rule.ts'
import { forbiddingRules, matchingRules, type PathForms, pathForms, type RuleSet, winningRules } from './rule-set.ts'
import { unboundPolicies } from './unbound.ts'
import { wouldPass } from './would-pass.ts'

/** What an explanation is made from. */
export interface Explained {
  readonly caller: Caller
  readonly request: GatewayRequest
  readonly decision: Decision
  /** Rule sets of the request's namespace. */
  readonly sets: readonly RuleSet[]
  /** Those that bind each caller, root first. */
  readonly chain: readonly (readonly RuleSet[])[]
  /** By the wall clock. */
  readonly nowMs: number
}

/** A request, and when it is asked. */
interface Asked {
  readonly request: GatewayRequest
  readonly nowMs: number
}

/** Why the decision fell: the policies that bind, what each rule that matches the path had to say, and what would pass. */
export function explained({ caller, request, decision, sets, chain, nowMs }: Explained): Explanation {
  const policies = Object.freeze([...new Set(chain.flatMap((bound) => bound.flatMap((set) => set.policies)))])
  const unbound = Object.freeze(unboundPolicies(sets, caller))
  const rules = Object.freeze(chain.flatMap((bound, link) => linkNotes(bound, { request, nowMs }, link)))
  const hint = decision.effect === 'deny' ? wouldPass({ decision, request, chain, unbound, rules }) : undefined
  return Object.freeze({ decision, policies, unbound, rules, wouldPass: hint })
}

/** The explanation of a decision that no policy was asked for. */
export function unexplained(decision: Decision): Explanation {
  const none = Object.freeze([])
  return Object.freeze({ decision, policies: none, unbound: none, rules: none, wouldPass: undefined })
}

type Outcome = readonly [result: RuleResult, outcome: string]

function linkNotes(sets: readonly RuleSet[], asked: Asked, link: number): readonly RuleNote[] {
  const { operation, path } = asked.request
  const forms = pathForms(operation, path)
  const forbids = forbiddingRules(sets, forms)
  const matching = matchingRules(sets, forms)
  const shut = matching.filter((rule) => rule.effect === 'deny' && isSilent(rule, asked.nowMs))
  const winners = winningRules(sets, forms, new Set(shut))
  const losers = matching.filter((rule) => !winners.includes(rule) && !shut.includes(rule))
  const forbidden = forbids.map((rule): [Rule, Outcome] => [rule, forbidOutcome(rule, asked)])
  const isForbidden = forbidden.some(([, [result]]) => result === 'forbids')
  const outcomes: readonly (readonly [Rule, Outcome])[] = [
    ...forbidden,
    ...winnerOutcomes(winners, asked, isForbidden),
    ...losers.map((rule): [Rule, Outcome] => [rule, outranked(winners[0], rule)]),
    ...shut.map((rule): [Rule, Outcome] => [rule, shutOutcome(rule)]),
    ...unresolved(sets, asked.request.operation, forms),
  ]
  return outcomes.map(([{ policy, id, path: text }, [result, outcome]]) =>
    Object.freeze({ policy, rule: id, path: text, link, result, outcome }),
  )
}

/** Rules whose templates do not resolve for the caller, and that would match in some form if they did. */
function unresolved(
  sets: readonly RuleSet[],
  operation: Operation,
  { asked, bare }: PathForms,
): readonly (readonly [Rule, Outcome])[] {
  const paths = asked === bare ? [bare] : [bare, asked]
  const found = sets.flatMap((set) => paths.flatMap((path) => set.unresolved?.(path) ?? []))
  const whys = new Map(found.map(({ rule, why }) => [rule, why]))
  return [...whys].filter(([rule]) => covers(rule, operation)).map(([rule, why]) => [rule, ['unresolved', why]])
}

function forbidOutcome(rule: Rule, { request, nowMs }: Asked): Outcome {
  if (isSilent(rule, nowMs)) return shutOutcome(rule)
  return covers(rule, request.operation) ? ['forbids', 'forbids'] : silent(rule, request)
}

function shutOutcome({ windows }: Rule): Outcome {
  return ['shut', `says nothing now, only at its times: ${windows?.text ?? ''}`]
}

function outranked(winner: Rule | undefined, { pattern }: Rule): Outcome {
  const [text, reason] = winner === undefined ? ['', ''] : [winner.pattern.text, rankReason(winner.pattern, pattern)]
  return ['outranked', `not used: ${JSON.stringify(text)} is more specific${reason}`]
}

function winnerOutcomes(
  winners: readonly Rule[],
  asked: Asked,
  isForbidden: boolean,
): readonly (readonly [Rule, Outcome])[] {
  const { request } = asked
  const isDenied = winners.some((rule) => rule.effect === 'deny' && covers(rule, request.operation))
  let hasAccepted = false
  const outcomes = new Map<Rule, Outcome>()
  for (const rule of inTurn(winners, request)) {
    const outcome = outcomeOf(rule, asked, isDenied, hasAccepted)
    const accepts = outcome[0] === 'allows'
    hasAccepted ||= accepts
    outcomes.set(rule, accepts && isForbidden ? ['allows', 'would allow, were it not forbidden'] : outcome)
  }
  return winners.map((rule) => [rule, outcomes.get(rule) ?? ['unused', '']])
}

/** For a write, rules that grant create alone come last. */
function inTurn(rules: readonly Rule[], { operation }: GatewayRequest): readonly Rule[] {
  if (operation !== 'write') return rules
  return [...rules.filter((rule) => !grantsCreateOnly(rule)), ...rules.filter(grantsCreateOnly)]
}

function outcomeOf(rule: Rule, { request, nowMs }: Asked, isDenied: boolean, hasAccepted: boolean): Outcome {
  if (!covers(rule, request.operation)) return silent(rule, request)
  if (rule.effect === 'deny') return ['denies', 'denies']
  if (isDenied) return ['unused', 'not used: a rule on the same path denies']
  if (hasAccepted) return ['unused', 'not used: another rule on the same path allows']
  const refused = objection(rule, request, nowMs)
  return refused === undefined ? ['allows', allowance(rule)] : ['refuses', `refuses: ${refused.message}`]
}

function allowance({ verdict: { limits = [] } }: Rule): string {
  return ['allows', ...limits.map(({ limits: { text } }) => `at most ${text}`)].join(', ')
}

function silent({ effect }: Rule, { operation }: GatewayRequest): Outcome {
  return ['silent', effect === 'allow' ? `does not grant ${operation}` : `does not name ${operation}`]
}
