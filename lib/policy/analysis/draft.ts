import type { Place } from '../place.ts'
import type { CheckedPolicy, CheckedRule } from './checked-rule.ts'
import type { FindingCode } from './finding.ts'
import type { RuleBook } from './rule-book.ts'

/** A finding without its place in the text. */
export interface Draft {
  readonly code: FindingCode
  readonly place: Place
  readonly policy: string | undefined
  readonly rule: string | undefined
  readonly message: string
}

/** One kind of analysis over rules that load. Pure. */
export type Analysis = (book: RuleBook) => readonly Draft[]

/** A draft about the part of `rule` at `keys`, or about all of it. */
export function about(rule: CheckedRule, code: FindingCode, message: string, ...keys: readonly string[]): Draft {
  return { code, place: rule.place.at(...keys), policy: rule.policy, rule: rule.id, message }
}

/** A draft about a part of a policy that is no rule. */
export function aboutPolicy({ policy }: CheckedPolicy, code: FindingCode, message: string, place: Place): Draft {
  return { code, place, policy, rule: undefined, message }
}
