import type { Command } from 'commander'
import type { Joined, Unexplained } from 'portcullis/audit'
import { EXIT } from '../exit.ts'
import { linesOf } from '../lines.ts'
import { createScreen, type Screen, shown } from '../screen.ts'

interface JoinOptions {
  readonly header: string
  readonly json?: boolean
}

const EXAMPLES = `
The server's log tells the correlation id once its operator lists the header ("portcullis doctor" prints the command).
Cache hits, refusals and events of the gateway have no partner, and are expected to have none.

Exit codes: 0 everything is explained, 1 something happened in one log alone, 2 wrong usage or unreadable input

Example:
  portcullis audit join audit.jsonl /var/log/bao/audit.log
`

/** `audit join`. */
export function addJoin(audit: Command): void {
  audit
    .command('join <gateway> <server>')
    .description("line up the gateway's audit with the server's own log, and tell what one of them lacks")
    .option('--header <name>', 'that carries the correlation id', 'X-Correlation-Id')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', EXAMPLES)
    .action(join)
}

async function join(gateway: string, server: string, options: JoinOptions): Promise<void> {
  const { createJoin } = await import('portcullis/audit')
  const logs = createJoin(options.header)
  for await (const line of linesOf(gateway)) logs.gateway(line)
  for await (const line of linesOf(server)) logs.server(line)
  const joined = logs.result()
  const screen = createScreen(options)
  screen.result(joined, [...joined.unexplained.map((each) => alarm(each, screen)), ...summary(joined)])
  if (!joined.isCorrelated && !screen.isJson)
    screen.note(
      `the server's log does not tell ${options.header}: what has no id in its answer has no partner; see "portcullis doctor"`,
    )
  if (joined.unexplained.length > 0) process.exitCode = EXIT.found
}

function alarm({ log, line, time, operation, path }: Unexplained, screen: Screen): string {
  const where =
    log === 'gateway' ? "only in the gateway's audit" : "only in the server's log, by a token of the gateway"
  return `${screen.styled('red', 'ALARM')}  ${where}, line ${line}: ${shown(`${time} ${operation} ${path}`)}`
}

function summary({ joined, repeated, local, unsure, foreign, unexplained }: Joined): readonly string[] {
  return [
    `${joined} exchanges in both logs (${repeated} repeated), ${local} entries of the gateway alone, ${unsure} that may not have arrived`,
    `${foreign} requests of others at the server; ${unexplained.length} unexplained`,
  ]
}
