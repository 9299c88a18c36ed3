import type { Explanation } from 'portcullis'
import { type Screen, shown, table } from '../screen.ts'

/** Most rules and policies that people are shown; machines get all. */
const MAX_LINES = 40
/** Of requests that are refused for their form, before any policy is asked. */
const NOT_JUDGED: ReadonlySet<string> = new Set(['path', 'namespace', 'body'])

/** An explanation for people: the decision, why, what would pass, who is bound, and each rule that was looked at. */
export function explanationLines(asked: string, explanation: Explanation, screen: Screen): readonly string[] {
  const decision = decisionLines(asked, explanation, screen)
  if (NOT_JUDGED.has(explanation.decision.reason)) return decision
  return [
    ...decision,
    ...section('policies that bind the caller', boundLines(explanation), screen),
    ...section('policies that do not', unboundLines(explanation), screen),
    ...section('rules considered', ruleLines(explanation), screen),
    ...shadowLines(asked, explanation, screen),
  ]
}

/** What the policies of mode shadow would make of it. */
function shadowLines(asked: string, { decision, shadow }: Explanation, screen: Screen): readonly string[] {
  // Without a shadow decision none of them binds, and nothing would be otherwise.
  if (shadow === undefined || decision.shadow === undefined) return []
  return [
    '',
    screen.styled('bold', 'if the policies of mode shadow were enforced, too'),
    ...decisionLines(asked, shadow, screen),
    ...section('policies of mode shadow that bind the caller', boundLines(shadow), screen),
    ...section('policies of mode shadow that do not', unboundLines(shadow), screen),
    ...section('rules considered then', ruleLines(shadow), screen),
  ]
}

function decisionLines(asked: string, { decision, wouldPass }: Explanation, screen: Screen): readonly string[] {
  const { effect, reason, policy, rule, message, pointer, keyword } = decision
  const word = effect === 'allow' ? screen.styled('green', 'allowed') : screen.styled('red', 'refused')
  const by = policy === undefined ? 'no rule' : `policy ${policy}${rule === undefined ? '' : `, rule ${rule}`}`
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['decided by', by],
    ['reason', reason],
    ['why', message],
    ['pointer', pointer],
    ['keyword', keyword],
    ['would pass', wouldPass],
  ]
  const told = facts.filter(([, value]) => value !== undefined).map(([name, value = '']) => [`  ${name}`, shown(value)])
  return [`${word}  ${shown(asked)}`, ...table(told)]
}

function boundLines({ policies }: Explanation): readonly string[] {
  return policies.length === 0 ? ['none'] : policies
}

function unboundLines({ unbound }: Explanation): readonly string[] {
  const isChain = unbound.some(({ link }) => link > 0)
  return table(unbound.map(({ policy, link, why }) => [policy, ...(isChain ? [callerName(link)] : []), shown(why)]))
}

/** Each rule that was looked at, and what it had to say. */
export function ruleLines({ decision, rules }: Explanation): readonly string[] {
  if (rules.length === 0) return ['none matches the path']
  const isChain = rules.some(({ link }) => link > 0)
  const forbidden = new Set(rules.filter(({ result }) => result === 'forbids').map(({ link }) => link))
  return table(
    rules.map(({ policy, rule, path, link, result, outcome }) => [
      isDecider(decision, policy, rule) || (result === 'allows' && !forbidden.has(link)) ? '*' : ' ',
      ...(isChain ? [callerName(link)] : []),
      `${policy} ${rule}`,
      shown(path),
      shown(outcome),
    ]),
  )
}

function isDecider(decision: Explanation['decision'], policy: string, rule: string): boolean {
  return decision.policy === policy && decision.rule === rule
}

/** The gateway's own caller, and those made from it. */
function callerName(link: number): string {
  return `caller ${link + 1}`
}

function section(title: string, lines: readonly string[], screen: Screen): readonly string[] {
  if (lines.length === 0) return []
  const more = lines.length > MAX_LINES ? [`  … and ${lines.length - MAX_LINES} more (--json has all)`] : []
  return ['', screen.styled('bold', title), ...lines.slice(0, MAX_LINES).map((line) => `  ${line}`), ...more]
}
