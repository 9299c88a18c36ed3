import type { Command } from 'commander'
import { EXIT, UsageError } from '../exit.ts'
import { createScreen, type Screen, shown } from '../screen.ts'
import { connect, type ServerCommandOptions, withServer } from '../server.ts'
import { auditFindings } from './audit-findings.ts'
import { type Finding, fail } from './finding.ts'
import { policyFindings } from './policy-findings.ts'
import { serverFindings, tokenFindings } from './server-findings.ts'

interface DoctorOptions extends ServerCommandOptions {
  readonly policies?: string
  readonly caller: string
}

const EXAMPLES = `
Exit codes: 0 nothing that would not work, 1 something would not, 2 wrong usage

Examples:
  portcullis doctor
  portcullis doctor --policies ./policies --caller '{"service":"orders"}'
`

/** `doctor`. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      'look for the usual mistakes: server, clock, token, and rights that policies promise and the token lacks',
    )
    .option('--policies <folder>', 'policies whose promises are compared with the rights of the token')
    .option('--caller <json>', 'attributes of the caller that the policies are judged for', '{}')
  withServer(command).addHelpText('after', EXAMPLES).action(doctor)
}

async function doctor(options: DoctorOptions): Promise<void> {
  const caller = callerOf(options.caller)
  const server = await connect(options)
  const findings = [...(await looked('server', () => serverFindings(server, Date.now)))]
  const isThere = !findings.some(({ level }) => level === 'fail')
  if (isThere) findings.push(...(await looked('token', () => tokenFindings(server))))
  if (isThere) findings.push(...(await looked('audit', () => auditFindings(server))))
  const { policies } = options
  if (isThere && policies !== undefined)
    findings.push(...(await looked('policies', () => policyFindings({ policies, caller, way: server }))))
  const screen = createScreen(options)
  screen.result(
    { findings },
    findings.flatMap((finding) => lines(finding, screen)),
  )
  if (findings.some(({ level }) => level === 'fail')) process.exitCode = EXIT.found
}

/** What cannot be looked at is found, too. */
async function looked(what: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look()
  } catch (error) {
    return [fail(what, error instanceof Error ? error.message : 'it cannot be looked at')]
  }
}

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red' } as const

function lines({ level, what, message, lines: more = [] }: Finding, screen: Screen): readonly string[] {
  return [
    `${screen.styled(STYLES[level], level.padEnd(4))}  ${what}: ${shown(message)}`,
    ...more.map((line) => `      ${line}`),
  ]
}

function callerOf(text: string): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, string>>
  } catch {
    // Said below.
  }
  throw new UsageError('--caller must be a JSON object, such as \'{"service":"orders"}\'')
}
