import type { Decision } from '../../model/decision.ts'
import type { Explanation } from '../../model/gateway.ts'
import type { PolicyTrial } from '../trial.ts'
import type { ExpectedAnswer, ExpectedDecision, PolicyTestRow } from './policy-test.ts'

/** One fact that is not as it was expected; `null` for none. */
export interface Difference {
  readonly fact: string
  readonly expected: string | null
  readonly got: string | null
}

/** What came of one answer of a row. */
export interface AnswerResult {
  readonly decision: Decision
  readonly differences: readonly Difference[]
}

/** What came of one row. Holds no value of the request or of an answer. */
export interface RowResult {
  readonly name: string
  readonly pointer: string
  /** Operation and path. */
  readonly asked: string
  readonly passed: boolean
  readonly differences: readonly Difference[]
  readonly explanation: Explanation
  /** In the order of the row; none where the request was refused. */
  readonly answers: readonly AnswerResult[]
}

/** What the policies in `trial` say of one row. @throws {TypeError|RangeError} for what is no request. */
export function runRow(row: PolicyTestRow, trial: PolicyTrial): RowResult {
  const explanation = trial.explain(row.caller, row.request)
  const { decision } = explanation
  const differences = differencesOf(row.expected, factsOf(explanation))
  const isAllowed = decision.effect === 'allow'
  const answers = isAllowed ? row.answers.map((answer) => answerResult(row, trial, explanation, answer)) : []
  const passed = differences.length === 0 && answers.every((answer) => answer.differences.length === 0)
  const asked = `${row.request.operation} ${row.request.path}`
  return Object.freeze({ name: row.name, pointer: row.pointer, asked, passed, differences, explanation, answers })
}

function answerResult(
  { caller, request }: PolicyTestRow,
  trial: PolicyTrial,
  { decision }: Explanation,
  { data, expected }: ExpectedAnswer,
): AnswerResult {
  const said = trial.checkAnswer(caller, request, data) ?? decision
  return { decision: said, differences: differencesOf(expected, said) }
}

const FACTS = ['effect', 'reason', 'policy', 'rule', 'pointer', 'keyword', 'wouldPass'] as const

/** What can be expected of a decision; `undefined` for none. */
type Facts = Partial<Record<(typeof FACTS)[number], string | undefined>> & { readonly shadow?: Facts | undefined }

function factsOf({ decision, wouldPass, shadow }: Explanation): Facts {
  const told = decision.shadow === undefined ? undefined : shadow
  return { ...decision, wouldPass, shadow: told === undefined ? undefined : factsOf(told) }
}

function differencesOf(expected: ExpectedDecision, got: Facts, prefix = ''): readonly Difference[] {
  const own = FACTS.flatMap((fact) => {
    const [wanted, found] = [expected[fact], got[fact] ?? null]
    return wanted === undefined || wanted === found ? [] : [{ fact: prefix + fact, expected: wanted, got: found }]
  })
  const { shadow } = expected
  return shadow === undefined ? own : [...own, ...differencesOf(shadow, got.shadow ?? {}, `${prefix}shadow `)]
}
