import { dirname, isAbsolute, join, normalize } from 'node:path'
import type { Command } from 'commander'
import type { Coverage, CoverageCount, Locate, RowResult } from 'portcullis/policy'
import { EXIT, UsageError } from '../exit.ts'
import { createScreen } from '../screen.ts'
import { readPolicyFiles, readTestFiles, type TextFile } from './files.ts'
import { coverageLines, type PlacedRow, rowLines } from './table-lines.ts'

interface TestOptions {
  readonly minCoverage?: string
  readonly coverage: boolean
  readonly json?: boolean
}

/** What all tables gave. */
interface Outcome {
  readonly tables: readonly TableResult[]
  readonly coverage: Coverage
  readonly failed: number
  /** Percent of the rules that have to have decided a row. */
  readonly least: number
}

/** What one table gave. */
interface TableResult {
  readonly file: string
  readonly locate: Locate
  readonly rows: readonly RowResult[]
}

const EXAMPLES = `
A table stands beside its policies, in a file whose name ends in .policy-test.json:

  { "$schema": "./node_modules/portcullis/schemas/policy-test.schema.json",
    "callers": { "orders": { "service": "orders" } },
    "tests": [
      { "caller": "orders", "operation": "read", "path": "kv/data/orders/a", "expect": "allow" },
      { "caller": "orders", "operation": "read", "path": "sys/mounts",
        "expect": { "effect": "deny", "policy": "guardrails", "rule": "no-sys" } } ] }

Exit code 0: every row is as expected. 1: one is not, or fewer rules than --min-coverage decided something.

Examples:
  portcullis policy test ./policies
  portcullis policy test policies/orders.policy-test.json --min-coverage 100
`

/** `policy test`. */
export function addTest(policy: Command): void {
  policy
    .command('test <paths...>')
    .description(
      'run tables of requests and what policies should say of them: FILES, or all *.policy-test.json of FOLDERS',
    )
    .option('--min-coverage <percent>', 'fail when fewer of the rules have decided a row: 0 to 100')
    .option('--no-coverage', 'do not tell which rules no row was decided by')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', EXAMPLES)
    .action(test)
}

async function test(paths: readonly string[], options: TestOptions): Promise<void> {
  const least = options.minCoverage === undefined ? 0 : percentOf(options.minCoverage)
  const files = await readTestFiles(paths)
  const { countCoverage, locateIn } = await import('portcullis/policy')
  const count = countCoverage()
  const tables: TableResult[] = []
  for (const file of files) tables.push({ file: file.file, locate: locateIn(file.text), rows: await run(file, count) })
  const coverage = count.result()
  const failed = tables.flatMap(({ rows }) => rows).filter(({ passed }) => !passed).length
  const isCovered = coverage.percent >= least
  show({ tables, coverage, failed, least }, options)
  if (failed > 0 || !isCovered) process.exitCode = EXIT.found
}

async function run(source: TextFile, count: CoverageCount): Promise<readonly RowResult[]> {
  const { createPolicyTrial, parsePolicyTest, parsePolicyText, runRow } = await import('portcullis/policy')
  const { policies, namespace, namespaces, rows } = await parsePolicyTest(source.file, source.text)
  const files = await readPolicyFiles(policies.map((path) => besides(source.file, path)))
  const documents = files.map(({ file, text }) => parsePolicyText(file, text))
  const others = namespaces === undefined ? {} : { namespaces }
  const trial = await createPolicyTrial(documents, { namespace, ...others })
  const results = rows.map((row) => runRow(row, trial))
  count.add(documents, results)
  return results
}

/** Spelt one way, so that the same policy counts once however many tables name it. */
function besides(file: string, path: string): string {
  return isAbsolute(path) ? normalize(path) : join(dirname(file), path)
}

function percentOf(text: string): number {
  const percent = /^\d{1,3}(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(percent <= 100)) throw new UsageError(`--min-coverage must be from 0 to 100, not ${JSON.stringify(text)}`)
  return percent
}

function show({ tables, coverage, failed, least }: Outcome, options: TestOptions): void {
  const screen = createScreen(options)
  const all = tables.flatMap((table) => table.rows.map((row) => placed(table, row)))
  const passed = all.length - failed
  const lines = [
    ...all.filter((row) => !row.passed).flatMap((row) => [...rowLines(row, screen), '']),
    ...(options.coverage ? coverageLines(coverage, screen) : []),
    ...(coverage.percent < least ? [screen.styled('red', `fewer than ${least} % of the rules decided a row`)] : []),
    screen.styled(failed === 0 ? 'green' : 'red', `${all.length} rows: ${passed} as expected, ${failed} not`),
  ]
  screen.result({ passed, failed, coverage, rows: all }, lines)
}

/** A row with its place in its file. */
function placed({ file, locate }: TableResult, row: RowResult): PlacedRow {
  return { file, ...locate(row.pointer), ...row }
}
