import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { type GrantedOperation, OPERATIONS, type Operation } from '../../model/operation.ts'
import { type Pattern, patternOf } from '../pattern.ts'
import { Place } from '../place.ts'
import { covers } from '../rule.ts'
import type { PolicyDocument } from '../verdict.ts'

/** Whom and where a policy binds. One object for all rules of a policy. */
export interface RuleScope {
  readonly namespace: string
  /** `undefined` binds every caller. */
  readonly subject: JsonObject | undefined
  readonly isShadow: boolean
}

/** A rule of a policy that loads, with its source. */
export interface CheckedRule {
  readonly place: Place
  readonly policy: string
  readonly id: string
  readonly scope: RuleScope
  readonly source: JsonObject
  readonly effect: 'allow' | 'deny' | 'forbid'
  /** A template stands in it as a literal, which it will be for each caller. */
  readonly pattern: Pattern
  readonly operations: ReadonlySet<GrantedOperation>
  /** Operations of requests that it speaks of. */
  readonly asked: readonly Operation[]
  /** Place among all rules. */
  readonly ordinal: number
}

/** A policy that loads. */
export interface CheckedPolicy {
  readonly place: Place
  readonly policy: string
  readonly scope: RuleScope
  readonly rules: readonly CheckedRule[]
}

/** The policies in `documents`, all of which load. @param namespace - of those that name none. */
export function checkedPolicies(documents: readonly PolicyDocument[], namespace: string): readonly CheckedPolicy[] {
  let ordinal = 0
  return documents.map(({ file, document }) => {
    const source = document as JsonObject
    const scope: RuleScope = {
      namespace: typeof source.namespace === 'string' ? source.namespace : namespace,
      subject: isJsonObject(source.subject) ? source.subject : undefined,
      isShadow: source.mode === 'shadow',
    }
    const place = new Place(file)
    const policy = source.policy as string
    const rules = (source.rules as readonly JsonObject[]).map((rule, index) =>
      checkedRule(rule, { place: place.at('rules', index), policy, scope, index, ordinal: ordinal++ }),
    )
    return { place, policy, scope, rules }
  })
}

function checkedRule(
  source: JsonObject,
  { index, ...rest }: Pick<CheckedRule, 'place' | 'policy' | 'scope' | 'ordinal'> & { readonly index: number },
): CheckedRule {
  const operations = new Set(source.operations as readonly GrantedOperation[])
  return {
    ...rest,
    id: typeof source.id === 'string' ? source.id : `rule-${index}`,
    source,
    effect: source.effect as CheckedRule['effect'],
    pattern: patternOf(source.path as string),
    operations,
    asked: OPERATIONS.filter((operation) => covers({ operations }, operation)),
  }
}

/** How a rule is called in messages. */
export function named({ policy, id, pattern }: CheckedRule): string {
  return `rule ${JSON.stringify(id)} of ${JSON.stringify(policy)} (${JSON.stringify(pattern.text)})`
}

/** What of `limits` a rule says; nothing where it has none. */
export function limitsOf({ source }: Pick<CheckedRule, 'source'>): JsonObject {
  return isJsonObject(source.limits) ? source.limits : {}
}

/** Does it hang on more than operation and path whether the rule accepts a request? */
export function hasConditions(rule: CheckedRule): boolean {
  const { source } = rule
  // What counts leases refuses wrapped answers, which hide theirs.
  const { minWrapTtl, maxWrapTtl, leases, maxTtl } = limitsOf(rule)
  const asks = [source.request, source.query, source.when, minWrapTtl, maxWrapTtl, leases, maxTtl]
  return asks.some((value) => value !== undefined) || (source.response !== undefined && source.wrapped !== true)
}

/** Does the rule speak at all times? */
export function isAlways({ source }: CheckedRule): boolean {
  return source.when === undefined
}
