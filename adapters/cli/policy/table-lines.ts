import type { Coverage, Difference, RowResult } from 'portcullis/policy'
import { type Screen, shown, table } from '../screen.ts'
import { ruleLines } from './explanation.ts'

/** Most rules that people are shown as never having decided; machines get all. */
const MAX_LINES = 40

/** What came of a row, with its place in its file. */
export type PlacedRow = RowResult & { readonly file: string; readonly line?: number; readonly column?: number }

/** A row that is not as expected, for people: what differs, and why the policies say what they say. */
export function rowLines(row: PlacedRow, screen: Screen): readonly string[] {
  const { file, line = 0, column = 0, name, asked, explanation, differences, answers } = row
  const { message, reason } = explanation.decision
  return [
    `${screen.styled('red', 'not as expected')}  ${screen.styled('bold', shown(name))}  ${file}:${line}:${column}`,
    ...(asked === name ? [] : [`  ${shown(asked)}`]),
    ...differenceLines(differences),
    ...answers.flatMap((answer, at) =>
      answer.differences.length === 0
        ? []
        : [`  answer ${at + 1}: ${shown(answer.decision.message)}`, ...differenceLines(answer.differences)],
    ),
    `  why: ${shown(message)} (${reason})`,
    ...ruleLines(explanation).map((note) => `    ${note}`),
  ]
}

function differenceLines(differences: readonly Difference[]): readonly string[] {
  if (differences.length === 0) return []
  const rows = differences.map(({ fact, expected, got }) => [fact, expected ?? 'none', got ?? 'none'].map(shown))
  return table([['', 'expected', 'got'], ...rows]).map((line) => `    ${line}`)
}

/** How many rules decided a row, and which did not. */
export function coverageLines({ rules, decided, percent, undecided }: Coverage, screen: Screen): readonly string[] {
  const lines = undecided.map(({ file, policy, rule }) => [`  ${policy} ${rule}`, file])
  const more = lines.length > MAX_LINES ? [`  … and ${lines.length - MAX_LINES} more (--json has all)`] : []
  const title = undecided.length === 0 ? [] : [screen.styled('bold', 'rules that no row was decided by')]
  return [
    ...title,
    ...table(lines.slice(0, MAX_LINES)),
    ...more,
    `${decided} of ${rules} rules decided a row (${percent} %)`,
  ]
}
