import { PathIndex } from '../path-index.ts'
import { comparePatterns, type Pattern, patternOf } from '../pattern.ts'
import type { CheckedPolicy, CheckedRule, RuleScope } from './checked-rule.ts'
import { bindsWherever } from './scope.ts'

/** Most rules that one is compared with: thousands on one path are nobody's writing. */
const MOST = 200

/** The rules of all policies, to be asked what stands over one of them. */
export class RuleBook {
  readonly policies: readonly CheckedPolicy[]
  readonly rules: readonly CheckedRule[]
  readonly #indexes = new Map<string, PathIndex<CheckedRule>>()
  readonly #binds = new Map<RuleScope, Map<RuleScope, boolean>>()

  constructor(policies: readonly CheckedPolicy[]) {
    this.policies = policies
    this.rules = policies.flatMap(({ rules }) => rules)
    for (const rule of this.rules) {
      const key = keyOf(rule.scope.namespace, rule.effect === 'forbid')
      let index = this.#indexes.get(key)
      if (index === undefined) {
        index = new PathIndex()
        this.#indexes.set(key, index)
      }
      index.add(rule.pattern, rule)
    }
  }

  /** Rules that allow or deny, on the very path of `rule`, itself left out. */
  beside(rule: CheckedRule): readonly CheckedRule[] {
    return this.over(rule.pattern, rule).filter((other) => other !== rule && other.pattern.text === rule.pattern.text)
  }

  /** Rules that allow or deny, on paths that take in all of `pattern`; its own included. In the namespace of `rule`. */
  over(pattern: Pattern, { scope }: CheckedRule): readonly CheckedRule[] {
    return including(this.#indexes.get(keyOf(scope.namespace, false)), pattern)
  }

  /** Rules that forbid all of the path of `rule`; as the engine sees them, a slash at the end is no way around. */
  forbidding({ pattern, scope }: CheckedRule): readonly CheckedRule[] {
    const index = this.#indexes.get(keyOf(scope.namespace, true))
    const bare = pattern.isPrefix || !pattern.text.endsWith('/') ? [] : [patternOf(pattern.text.slice(0, -1))]
    const slashed =
      pattern.isExact && !pattern.text.endsWith('/') ? (index?.exact(`${pattern.text}/`)?.values ?? []) : []
    return [...new Set([pattern, ...bare].flatMap((asked) => including(index, asked)).concat(slashed))]
  }

  /** Does `outer` bind, and count, wherever `inner` does? False where it cannot be told. */
  binds(outer: CheckedRule, inner: CheckedRule): boolean {
    let known = this.#binds.get(outer.scope)
    if (known === undefined) {
      known = new Map()
      this.#binds.set(outer.scope, known)
    }
    let answer = known.get(inner.scope)
    if (answer === undefined) {
      answer = bindsWherever(outer.scope, inner.scope)
      known.set(inner.scope, answer)
    }
    return answer
  }
}

/** Above 0 where the server asks rules at `a` before those at `b`. */
export function rank(a: Pattern, b: Pattern): number {
  return Number(a.isExact) - Number(b.isExact) || comparePatterns(a, b)
}

/** A pattern looked up as a path meets those whose segments are the same or `+`; a prefix is taken in by prefixes alone. */
function including(index: PathIndex<CheckedRule> | undefined, pattern: Pattern): readonly CheckedRule[] {
  if (index === undefined) return []
  const exact = pattern.isExact ? index.exact(pattern.text) : undefined
  const found: CheckedRule[] = []
  for (const entry of [...(exact === undefined ? [] : [exact]), ...index.wildcards(pattern.text)]) {
    if (found.length >= MOST) break
    if (!pattern.isPrefix || entry.pattern.isPrefix) found.push(...entry.values.slice(0, MOST - found.length))
  }
  return found
}

function keyOf(namespace: string, isForbid: boolean): string {
  return `${isForbid ? 'forbid' : 'rule'} ${namespace}`
}
