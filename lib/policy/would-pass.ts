import type { Decision } from '../model/decision.ts'
import type { RuleNote, UnboundPolicy } from '../model/gateway.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { Pattern } from './pattern.ts'
import type { Rule } from './rule.ts'
import type { RuleSet } from './rule-set.ts'

/** Most of a kind that are named. */
const MOST = 3

/** What a refusal is told from. */
export interface Refused {
  readonly decision: Decision
  readonly request: GatewayRequest
  /** Rule sets of each caller, root first. */
  readonly chain: readonly (readonly RuleSet[])[]
  readonly unbound: readonly UnboundPolicy[]
  readonly rules: readonly RuleNote[]
}

/** What would pass, in one line; `undefined` where nothing would, or no rule can tell. Never a value. */
export function wouldPass({ decision, request, chain, unbound, rules }: Refused): string | undefined {
  switch (decision.reason) {
    case 'no-policy':
      return aCaller(unbound, chain)
    case 'no-rule':
      return aNearPath(request, chain)
    case 'operation':
      return anOperation(rules, chain)
    case 'when':
      return `the same request at another time: ${decision.message}`
    case 'request-schema':
      return decision.message.split(` (${decision.keyword})`)[0]
    case 'wrapping':
      return 'the same request, asked for unwrapped'
    default:
      return undefined
  }
}

function aCaller(unbound: readonly UnboundPolicy[], chain: Refused['chain']): string | undefined {
  const link = chain.findIndex((sets) => sets.length === 0)
  const asked = unbound
    .filter((policy) => policy.link === Math.max(link, 0))
    .map(({ policy, why }) => `${policy}: ${why}`)
  return asked.length === 0 ? undefined : `a caller that a policy binds; ${few(asked, '; ')}`
}

function anOperation(rules: readonly RuleNote[], chain: Refused['chain']): string | undefined {
  const winners = rules.filter(({ result }) => result === 'silent').map(({ policy, rule }) => `${policy} ${rule}`)
  const granted = allRules(chain)
    .filter(({ policy, id, effect }) => effect === 'allow' && winners.includes(`${policy} ${id}`))
    .flatMap(({ operations }) => [...operations])
  return granted.length === 0 ? undefined : `on this path: ${[...new Set(granted)].join(', ')}`
}

/** Paths that are granted and share the most leading segments with what was asked: a segment left out, or misspelt. */
function aNearPath({ path }: GatewayRequest, chain: Refused['chain']): string | undefined {
  const asked = path.split('/')
  const shared = new Map<string, number>()
  for (const { effect, path: text, pattern } of allRules(chain)) {
    const count = sharedSegments(pattern, asked)
    if (effect === 'allow' && count > 0) shared.set(text, count)
  }
  const near = [...shared].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([text]) => JSON.stringify(text))
  return near.length === 0 ? undefined : `paths near it that are granted: ${few(near, ', ')}`
}

function sharedSegments({ segments }: Pattern, asked: readonly string[]): number {
  const differs = segments.findIndex((segment, at) => segment !== '+' && segment !== asked[at])
  return differs === -1 ? segments.length : differs
}

function allRules(chain: Refused['chain']): readonly Rule[] {
  return chain.flat().flatMap((set) => [...set.rules.entries()].flatMap(({ values }) => values))
}

function few(texts: readonly string[], between: string): string {
  const more = texts.length > MOST ? `${between}… (${texts.length} in all)` : ''
  return texts.slice(0, MOST).join(between) + more
}
