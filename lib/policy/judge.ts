import type { Decision } from '../model/decision.ts'
import { OPERATIONS, type Operation } from '../model/operation.ts'
import type { GatewayRequest } from '../model/request.ts'
import { covers, grantsCreateOnly, isConditional, isSilent, type Rule } from './rule.ts'
import { forbiddingRules, pathForms, type RuleSet, winningGroups } from './rule-set.ts'
import { combined, denied, type RuleVerdict } from './verdict.ts'

/** What is settled by operation and path for one caller of a chain. */
type Link =
  /** The verdict. */
  | { readonly verdict: RuleVerdict }
  /** Allow rules to try in turn. */
  | { readonly rules: readonly Rule[] }
  /** Rules that deny at their times, and what is settled while all of them say nothing. */
  | { readonly timed: readonly Timed[]; readonly rest: Link }

/** A rule that denies or forbids at its times, and the verdict while it does. */
interface Timed {
  readonly rule: Rule
  readonly verdict: RuleVerdict
}

/** What is settled by operation and path for a whole chain of callers; the rest is in {@link judge}. */
export interface Plan {
  /** Where nothing else matters. */
  readonly fixed: RuleVerdict | undefined
  /** Root first. */
  readonly links: readonly Link[]
}

/** No policy binds one of the callers, in the request's namespace. */
export const NO_POLICY: RuleVerdict = denied({
  reason: 'no-policy',
  policy: undefined,
  rule: undefined,
  message: 'no policy binds the caller in this namespace; what no policy allows is denied',
})

/** The plan for callers bound by `chain`, root first. @throws {TypeError} for what is no operation: `*` does not grant it. */
export function planFor(chain: readonly (readonly RuleSet[])[], operation: Operation, path: string): Plan {
  if (!OPERATIONS.includes(operation)) throw new TypeError(`operation must be one of ${OPERATIONS.join(', ')}`)
  const links = chain.map((sets) => linkFor(sets, operation, path))
  return { fixed: fixedVerdict(links), links }
}

/**
 * The verdict of a plan on one request: the first refusal, root first, or what all allow.
 *
 * @param nowMs - By the wall clock, for time windows.
 */
export function judge(plan: Plan, request: GatewayRequest, nowMs: number): RuleVerdict {
  if (plan.fixed !== undefined) return plan.fixed
  const verdicts: RuleVerdict[] = []
  for (const link of plan.links) {
    const verdict = judgeLink(link, request, nowMs)
    if (verdict.decision.effect === 'deny') return verdict
    verdicts.push(verdict)
  }
  const [first, ...rest] = verdicts
  return first === undefined ? NO_POLICY : combined([first, ...rest])
}

/** Why `rule`, which allows the operation on the path, refuses the request; `undefined` when it accepts. */
export function objection(rule: Rule, request: GatewayRequest, nowMs: number): Decision | undefined {
  return (
    timeObjection(rule, nowMs) ??
    requestObjection(rule, request) ??
    queryObjection(rule, request) ??
    wrapObjection(rule, request)
  )
}

function judgeLink(link: Link, request: GatewayRequest, nowMs: number): RuleVerdict {
  let settled = link
  while ('timed' in settled) {
    const speaks = settled.timed.find(({ rule }) => !isSilent(rule, nowMs))
    if (speaks !== undefined) return speaks.verdict
    settled = settled.rest
  }
  return 'verdict' in settled ? settled.verdict : tried(settled.rules, request, nowMs)
}

function linkFor(sets: readonly RuleSet[], operation: Operation, path: string): Link {
  if (sets.length === 0) return { verdict: NO_POLICY }
  const forms = pathForms(operation, path)
  const forbids = forbiddingRules(sets, forms).filter((rule) => covers(rule, operation))
  const forbid = forbids.find(({ windows }) => windows === undefined)
  if (forbid !== undefined) return { verdict: forbid.verdict }
  const rest = winningLink(sets, operation, winningGroups(sets, forms))
  return forbids.length === 0 ? rest : { timed: forbids.map((rule) => ({ rule, verdict: rule.verdict })), rest }
}

/** By the rules of the winning path: of those `left` there, else of the next. What denies at times is as if absent at others. */
function winningLink(
  sets: readonly RuleSet[],
  operation: Operation,
  groups: Iterator<readonly Rule[], undefined>,
  left: readonly Rule[] = [],
): Link {
  const rules = left.length > 0 ? left : groups.next().value
  const winner = rules?.[0]
  if (rules === undefined || winner === undefined) return { verdict: noRule(sets) }
  const covering = rules.filter((rule) => covers(rule, operation))
  const deny = covering.find(({ effect, windows }) => effect === 'deny' && windows === undefined)
  if (deny !== undefined) return { verdict: deny.verdict }
  const [timed, others] = parted(rules)
  if (timed.length > 0) {
    const rest = winningLink(sets, operation, groups, others)
    const denials = timedDenials(timed, operation, others.length === 0)
    return denials.length === 0 ? rest : { timed: denials, rest }
  }
  // The server adds up what rules on one path grant: a rule for create alone must not narrow one for update.
  const isPart = (rule: Rule): boolean => operation === 'write' && grantsCreateOnly(rule)
  const inTurn = [...covering.filter((rule) => !isPart(rule)), ...covering.filter(isPart)]
  const first = inTurn[0]
  if (first === undefined) return { verdict: notGranted(winner, operation) }
  if (!isConditional(first)) return { verdict: first.verdict }
  return { rules: inTurn }
}

/** Rules that deny at times, and the others. */
function parted(rules: readonly Rule[]): readonly [timed: readonly Rule[], others: readonly Rule[]] {
  const isTimed = ({ effect, windows }: Rule): boolean => effect === 'deny' && windows !== undefined
  return rules.some(isTimed) ? [rules.filter(isTimed), rules.filter((rule) => !isTimed(rule))] : [[], rules]
}

function fixedVerdict(links: readonly Link[]): RuleVerdict | undefined {
  const verdicts: RuleVerdict[] = []
  for (const link of links) {
    if (!('verdict' in link)) return undefined
    if (link.verdict.decision.effect === 'deny') return link.verdict
    verdicts.push(link.verdict)
  }
  const [first, ...rest] = verdicts
  return first === undefined ? NO_POLICY : combined([first, ...rest])
}

/** A rule that denies other operations takes part while it speaks: alone on the winning path, it leaves nothing granted. */
function timedDenials(rules: readonly Rule[], operation: Operation, isAlone: boolean): readonly Timed[] {
  const denials = rules.filter((rule) => covers(rule, operation)).map((rule) => ({ rule, verdict: rule.verdict }))
  if (!isAlone) return denials
  const others = rules.filter((rule) => !covers(rule, operation))
  return [...denials, ...others.map((rule) => ({ rule, verdict: notGranted(rule, operation) }))]
}

/** The first rule that accepts; else the first's objection, which stands for all. */
function tried(rules: readonly Rule[], request: GatewayRequest, nowMs: number): RuleVerdict {
  let refusal: Decision | undefined
  for (const rule of rules) {
    const refused = objection(rule, request, nowMs)
    if (refused === undefined) return rule.verdict
    refusal ??= refused
  }
  if (refusal === undefined) return NO_POLICY
  const others = rules.length === 1 ? '' : ` (${rules.length - 1} more on the same path refuse it too)`
  return denied({ ...refusal, message: refusal.message + others })
}

function timeObjection({ windows, policy, id }: Rule, nowMs: number): Decision | undefined {
  const isOpen = windows?.isOpen(nowMs)
  if (windows === undefined || isOpen === true) return undefined
  const why = isOpen === undefined ? '; the wall clock shows no time' : ''
  const message = `the rule allows it only at its times: ${windows.text}${why} (when)`
  return { effect: 'deny', reason: 'when', policy, rule: id, message, keyword: 'when' }
}

function requestObjection(rule: Rule, { data }: GatewayRequest): Decision | undefined {
  const failure = rule.request?.(data ?? {})
  return failure && refusal(rule, `/data${failure.pointer}`, failure.keyword, failure.hint)
}

function queryObjection(rule: Rule, { query }: GatewayRequest): Decision | undefined {
  if (rule.query !== undefined) {
    const failure = rule.query(query)
    return failure && refusal(rule, `/query${failure.pointer}`, failure.keyword, failure.hint)
  }
  if (rule.request === undefined || Object.keys(query).length === 0) return undefined
  return refusal(
    rule,
    '/query',
    'query',
    'must have no parameters, since the rule has a "request" schema and no "query"',
  )
}

function wrapObjection(rule: Rule, { wrapTtlMs }: GatewayRequest): Decision | undefined {
  const { minWrapTtlMs, maxWrapTtlMs, refusesWrapping, limitsLeases, policy, id } = rule
  if (refusesWrapping && wrapTtlMs > 0) {
    const message = 'the rule checks the response, which a wrapped answer would escape; ask for it unwrapped'
    return { effect: 'deny', reason: 'wrapping', policy, rule: id, message, pointer: '/wrapTtl' }
  }
  if (limitsLeases && wrapTtlMs > 0) {
    const message = 'the rule limits leases, which a wrapped answer would hide; ask for it unwrapped'
    return { effect: 'deny', reason: 'wrapping', policy, rule: id, message, pointer: '/wrapTtl' }
  }
  if (minWrapTtlMs !== undefined && (wrapTtlMs === 0 || wrapTtlMs < minWrapTtlMs)) {
    return refusal(rule, '/wrapTtl', 'minWrapTtl', `the answer must be wrapped for at least ${minWrapTtlMs} ms`)
  }
  if (maxWrapTtlMs !== undefined && (wrapTtlMs === 0 || wrapTtlMs > maxWrapTtlMs)) {
    return refusal(rule, '/wrapTtl', 'maxWrapTtl', `the answer must be wrapped for at most ${maxWrapTtlMs} ms`)
  }
  return undefined
}

function refusal({ policy, id }: Rule, pointer: string, keyword: string, hint: string): Decision {
  const message = `${pointer} ${hint} (${keyword})`
  return { effect: 'deny', reason: 'request-schema', policy, rule: id, message, pointer, keyword }
}

function noRule(sets: readonly RuleSet[]): RuleVerdict {
  const count = sets.reduce((sum, { policies }) => sum + policies.length, 0)
  const names = sets.slice(0, 5).flatMap(({ policies }) => policies.slice(0, 5))
  const shown = names.slice(0, 5).join(', ') + (count > 5 ? `, … (${count} in all)` : '')
  const message = `no rule of the policies that bind the caller (${shown}) matches the path`
  return denied({ reason: 'no-rule', policy: undefined, rule: undefined, message })
}

function notGranted({ policy, id, pattern }: Rule, operation: Operation): RuleVerdict {
  const message = `the most specific path that matches, ${JSON.stringify(pattern.text)}, does not grant ${operation}`
  return denied({ reason: 'operation', policy, rule: id, message })
}
