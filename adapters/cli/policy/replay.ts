import type { Command } from 'commander'
import type { ReplayCounts, ReplayedRequest } from 'portcullis/policy'
import { EXIT } from '../exit.ts'
import { linesOf } from '../lines.ts'
import { createScreen, type Screen, shown } from '../screen.ts'
import { readPolicyFiles } from './files.ts'

interface ReplayOptions {
  readonly against: string
  readonly namespace: string
  readonly json?: boolean
}

/** Changes that are alike, together. */
interface Change {
  readonly caller: string
  readonly operation: string
  readonly path: string
  readonly before: 'allow' | 'deny'
  readonly after: ReplayedRequest['effect']
  readonly reason: string
  readonly policy?: string
  readonly rule?: string
  /** Line of the first. */
  readonly line: number
  count: number
}

const EXAMPLES = `
What a record does not tell (values are HMACs in it) is never guessed: such a request is "undecidable". The option
audit.shape of the gateway lets records tell more. Answers, rate limits and budgets are not judged.

Exit codes: 0 nothing changes, 1 something does, 2 wrong usage or unreadable input

Examples:
  portcullis policy replay audit.jsonl --against ./policies
  zcat audit-*.gz | portcullis policy replay - --against ./policies --json
`

/** `policy replay`. */
export function addReplay(policy: Command): void {
  policy
    .command('replay <audit>')
    .description(
      'judge recorded requests by other policies, and print each decision that changes; - reads standard input',
    )
    .requiredOption('--against <path>', 'the policies, a file or a folder')
    .option('--namespace <path>', 'of policies that name none, as the gateway is set up (default: the root)', '')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', EXAMPLES)
    .action(replay)
}

async function replay(audit: string, options: ReplayOptions): Promise<void> {
  const files = await readPolicyFiles([options.against])
  const { createReplay, parsePolicyText } = await import('portcullis/policy')
  const documents = files.map(({ file, text }) => parsePolicyText(file, text))
  const judge = await createReplay(documents, options.namespace)
  const changes = new Map<string, Change>()
  for await (const line of linesOf(audit)) {
    const replayed = judge.line(line)
    if (replayed !== undefined) note(changes, replayed)
  }
  const counts = judge.counts()
  const found = [...changes.values()]
  const screen = createScreen(options)
  screen.result({ changes: found, ...counts }, [...found.map((change) => line(change, screen)), ...summary(counts)])
  if (found.length > 0) process.exitCode = EXIT.found
}

function note(changes: Map<string, Change>, { request, effect, reason, policy, rule }: ReplayedRequest): void {
  const { operation, path, line: at } = request
  const caller = JSON.stringify(Object.assign({}, ...request.callers))
  const key = JSON.stringify([caller, operation, path, request.effect, effect, policy, rule])
  const known = changes.get(key)
  if (known !== undefined) {
    known.count += 1
    return
  }
  const by = { ...(policy === undefined ? {} : { policy }), ...(rule === undefined ? {} : { rule }) }
  changes.set(key, {
    caller,
    operation,
    path,
    before: request.effect,
    after: effect,
    reason,
    ...by,
    line: at,
    count: 1,
  })
}

const STYLES = { allow: 'green', deny: 'red', undecidable: 'yellow' } as const

function line(
  { before, after, operation, path, caller, policy, rule, reason, count, line: at }: Change,
  screen: Screen,
): string {
  const by = policy === undefined ? reason : `${policy}/${rule ?? '?'}, ${reason}`
  const times = count === 1 ? '' : `, ${count} times`
  return `${before} -> ${screen.styled(STYLES[after], after)}  ${operation} ${shown(path)}  by ${shown(caller)}  (${by}; line ${at}${times})`
}

function summary(counts: ReplayCounts): readonly string[] {
  const { requests, same, allowed, denied, undecidable, passedOver, unreadable, missing } = counts
  const told = [
    `${requests} requests: ${same} decided as before, ${denied} now denied, ${allowed} now allowed, ${undecidable} undecidable`,
  ]
  if (passedOver > 0)
    told.push(`${passedOver} passed over: refused for their form, a limit or an answer, and not by a rule`)
  if (unreadable > 0) told.push(`${unreadable} lines are no audit entries`)
  if (missing > 0) told.push(`${missing} entries are missing, by the record's own word`)
  return told
}
