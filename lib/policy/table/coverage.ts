import type { Explanation } from '../../model/gateway.ts'
import type { JsonObject } from '../../model/json.ts'
import type { PolicyDocument } from '../verdict.ts'
import type { RowResult } from './run-test.ts'

/** A rule, by where it stands. */
export interface CoveredRule {
  readonly file: string
  readonly policy: string
  readonly rule: string
  /** Of the rule in its file, as JSON pointer. */
  readonly pointer: string
}

/** Which rules some row was decided by. */
export interface Coverage {
  readonly rules: number
  readonly decided: number
  /** Of the rules, 0 to 100, rounded down to a tenth; 100 where there are none. */
  readonly percent: number
  /** Rules that no row was decided by, in the order of their files. */
  readonly undecided: readonly CoveredRule[]
}

/** Counts, over several tables, which rules decided something. */
export interface CoverageCount {
  /** Rules of policies under test, and what rows found of them. Files of one name count once. */
  add(documents: readonly PolicyDocument[], rows: readonly RowResult[]): void
  result(): Coverage
}

/** A count in which no rule has decided anything yet. */
export function countCoverage(): CoverageCount {
  const rules = new Map<string, CoveredRule>()
  const decided = new Set<string>()
  return {
    add(documents, rows) {
      const files = new Map<string, string>()
      for (const rule of documents.flatMap(rulesOf)) {
        files.set(rule.policy, rule.file)
        rules.set(key(rule), rule)
      }
      for (const { policy, rule } of rows.flatMap(decidersOf)) {
        decided.add(key({ file: files.get(policy) ?? '', policy, rule }))
      }
    },
    result: () =>
      coverageOf(
        [...rules.values()].filter((rule) => !decided.has(key(rule))),
        rules.size,
      ),
  }
}

function coverageOf(undecided: readonly CoveredRule[], rules: number): Coverage {
  const decided = rules - undecided.length
  const percent = rules === 0 ? 100 : Math.floor((decided * 1000) / rules) / 10
  return Object.freeze({ rules, decided, percent, undecided })
}

function key({ file, policy, rule }: Pick<CoveredRule, 'file' | 'policy' | 'rule'>): string {
  return JSON.stringify([file, policy, rule])
}

function rulesOf({ file, document }: PolicyDocument): readonly CoveredRule[] {
  const { policy, rules } = document as { readonly policy: string; readonly rules: readonly JsonObject[] }
  return rules.map(({ id }, index) => {
    return { file, policy, rule: typeof id === 'string' ? id : `rule-${index}`, pointer: `/rules/${index}` }
  })
}

/** The rule of the decision, those by which other callers of the chain were allowed, and of shadow policies the same. */
function decidersOf({ explanation, answers }: RowResult): readonly Decider[] {
  const { shadow } = explanation
  const beside = shadow === undefined ? [] : settlers(shadow).filter(({ policy }) => shadow.policies.includes(policy))
  return [...named(answers.map(({ decision }) => decision)), ...settlers(explanation), ...beside]
}

function settlers({ decision, rules }: Explanation): readonly Decider[] {
  const forbidden = new Set(rules.filter(({ result }) => result === 'forbids').map(({ link }) => link))
  const allowing = rules.filter(({ result, link }) => result === 'allows' && !forbidden.has(link))
  return named([decision, ...allowing])
}

function named(parts: readonly Partial<Record<keyof Decider, string | undefined>>[]): readonly Decider[] {
  return parts.flatMap(({ policy, rule }) => (policy === undefined || rule === undefined ? [] : [{ policy, rule }]))
}

interface Decider {
  readonly policy: string
  readonly rule: string
}
