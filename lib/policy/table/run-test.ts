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
  const { decision, wouldPass } = explanation
  const differences = differencesOf(row.expected, { ...decision, wouldPass })
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

type Facts = Partial<Record<keyof ExpectedDecision, string | undefined>>

const FACTS = ['effect', 'reason', 'policy', 'rule', 'pointer', 'keyword', 'wouldPass'] as const

function differencesOf(expected: ExpectedDecision, got: Facts): readonly Difference[] {
  return FACTS.flatMap((fact) => {
    const [wanted, found] = [expected[fact], got[fact] ?? null]
    return wanted === undefined || wanted === found ? [] : [{ fact, expected: wanted, got: found }]
  })
}
