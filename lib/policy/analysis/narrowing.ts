import { type CheckedRule, limitsOf, named } from './checked-rule.ts'
import { type Analysis, about, type Draft } from './draft.ts'
import { type RuleBook, rank } from './rule-book.ts'

/**
 * Rules on a more specific path, which replace wider ones there with fewer conditions than those have.
 *
 * Looked at are operations that both grant. More operations on the narrower path are no finding: that is
 * what narrower paths are for.
 */
export const conditionsLost: Analysis = (book) =>
  book.rules.flatMap((rule) => {
    if (rule.effect !== 'allow') return []
    const wider = widerThan(rule, book).filter(({ effect }) => effect === 'allow')
    const held = new Set(conditionsOf(rule))
    const lost = new Map<string, CheckedRule>()
    for (const other of wider) {
      for (const condition of conditionsOf(other)) if (!held.has(condition)) lost.set(condition, other)
    }
    const [other] = lost.values()
    if (other === undefined) return []
    const names = [...lost.keys()].map((name) => JSON.stringify(name)).join(', ')
    const message = `where it matches, ${named(other)} is not asked, and it has no ${names} as that rule has: repeat what should hold here`
    return [about(rule, 'conditions-lost', message, 'path')]
  })

/** Rules of one policy that open what the deny of another shuts on a wider path. */
export const deniesReopened: Analysis = (book) =>
  book.rules.flatMap((rule): readonly Draft[] => {
    if (rule.effect !== 'allow') return []
    const deny = widerThan(rule, book).find(({ effect, policy }) => effect === 'deny' && policy !== rule.policy)
    if (deny === undefined) return []
    const message = `it allows what ${named(deny)} denies on a wider path, since the more specific path is asked alone; if no policy may open that, its effect has to be "forbid"`
    return [about(rule, 'deny-reopened', message)]
  })

/** Rules on wider paths that speak of the same operations, and that `rule` replaces wherever it matches. */
function widerThan(rule: CheckedRule, book: RuleBook): readonly CheckedRule[] {
  return book.over(rule.pattern, rule).filter((other) => {
    if (other.pattern.text === rule.pattern.text || rank(rule.pattern, other.pattern) <= 0) return false
    return book.binds(other, rule) && other.asked.some((operation) => rule.asked.includes(operation))
  })
}

function conditionsOf(rule: CheckedRule): readonly string[] {
  const { source } = rule
  const own = ['request', 'response', 'when'].filter((name) => source[name] !== undefined)
  const limits = Object.keys(limitsOf(rule)).filter((name) => name !== 'burst')
  // Without a request schema the query is as the caller likes, with or without one of its own.
  const query = source.query !== undefined && source.request === undefined ? ['query'] : []
  return [...own, ...query, ...limits.map((name) => `limits.${name}`)]
}
