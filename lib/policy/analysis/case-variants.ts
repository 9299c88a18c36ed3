import { type Pattern, patternOf } from '../pattern.ts'
import { type CheckedRule, named } from './checked-rule.ts'
import { type Analysis, about, type Draft } from './draft.ts'
import { type RuleBook, rank } from './rule-book.ts'
import { CASE_FOLDED } from './server-paths.ts'

/** Rules that deny or forbid a name which the server takes in any case, while another spelling is allowed. */
export const caseVariants: Analysis = (book) =>
  book.rules.flatMap((rule): readonly Draft[] => {
    if (rule.effect === 'allow' || rule.asked.length === 0) return []
    const variant = variantOf(rule.pattern)
    if (variant === undefined) return []
    const allow = allowing(variant, rule, book)
    if (allow === undefined) return []
    const message = `it is got around: the server takes ${JSON.stringify(variant.text)} for the same name, and ${named(allow)} allows that; allow the names that are meant, and leave this rule and the wider one out`
    return [about(rule, 'case-variant', message, 'path')]
  })

/** The path in another case; `undefined` where the server does not fold it, or the name has no letters. */
function variantOf({ text, segments }: Pattern): Pattern | undefined {
  const at = foldedAt(segments)
  const name = at === -1 ? undefined : segments[at]
  if (name === undefined || name === '+') return undefined
  const upper = name.toUpperCase()
  const other = upper === name ? name.toLowerCase() : upper
  if (other === name || name.startsWith('{{')) return undefined
  const changed = segments.map((segment, index) => (index === at ? other : segment)).join('/')
  return patternOf(text.endsWith('*') ? `${changed}*` : changed)
}

/** Which segment of a path the server folds; -1 for none. */
function foldedAt(segments: readonly string[]): number {
  for (const folded of CASE_FOLDED) {
    const parts = folded.split('/')
    const at = parts.length - 1
    const isThere = parts.every((part, index) => index === at || part === '+' || matches(segments[index], part))
    if (isThere && segments[at] !== undefined) return at
  }
  return -1
}

function matches(segment: string | undefined, part: string): boolean {
  return segment === part || segment === '+'
}

/** The rule that allows the variant, where the one that the server asks first does. */
function allowing(variant: Pattern, rule: CheckedRule, book: RuleBook): CheckedRule | undefined {
  const over = book.over(variant, rule).filter(({ scope }) => !scope.isShadow)
  const first = over.reduce<CheckedRule | undefined>(
    (best, other) => (best === undefined || rank(other.pattern, best.pattern) > 0 ? other : best),
    undefined,
  )
  if (first === undefined) return undefined
  const winners = over.filter(({ pattern }) => pattern.text === first.pattern.text)
  const concerned = winners.filter(({ asked }) => asked.some((operation) => rule.asked.includes(operation)))
  const isForbidden = book.forbidding({ ...rule, pattern: variant }).length > 0
  if (isForbidden || concerned.some(({ effect }) => effect === 'deny')) return undefined
  return concerned[0]
}
