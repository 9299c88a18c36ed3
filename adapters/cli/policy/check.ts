import type { Command } from 'commander'
import type { FINDING_CODES, FindingCode, PolicyCheck, PolicyFinding } from 'portcullis/policy'
import { EXIT, UsageError } from '../exit.ts'
import { createScreen, type Screen, shown } from '../screen.ts'
import { readPolicyFiles } from './files.ts'

interface CheckOptions {
  readonly defaultNamespace?: string
  readonly codes?: boolean
  readonly strict?: boolean
  readonly ignore?: readonly string[]
  readonly kv1?: readonly string[]
  readonly kv2?: readonly string[]
  readonly json?: boolean
}

const EXAMPLES = `
An error: the file does not load, or a rule does not do what it says. A warning: it most likely is not what was meant.
The word in [ ] is the code of a finding; --codes tells what each means and what to do. No server is asked.
Exit code 0: no errors; with --strict, no warnings either. 1: something was found.

Examples:
  portcullis policy check ./policies
  portcullis policy check --strict ./policies
  portcullis policy check --ignore conditions-lost --kv1 secret orders.json guardrails.json
`

/** `policy check`. */
export function addCheck(policy: Command): void {
  const repeat = (value: string, all: readonly string[] = []): readonly string[] => [...all, value]
  policy
    .command('check [paths...]')
    .description('find what is wrong with policies: every fault for which the gateway would not load one, and traps')
    .option('--strict', 'warnings fail, too')
    .option('--ignore <code>', 'leave findings of this code out; may be repeated', repeat)
    .option('--kv1 <mount>', 'this mount is KV version 1; may be repeated', repeat)
    .option(
      '--kv2 <mount>',
      'this mount is KV version 2; may be repeated (secret is known, and what paths show)',
      repeat,
    )
    .option('--default-namespace <path>', 'of the gateway, and so of policies that name none (default: the root)')
    .option('--codes', 'tell what the codes of findings mean, and do nothing else')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', EXAMPLES)
    .action(check)
}

async function check(paths: readonly string[], options: CheckOptions): Promise<void> {
  const { checkPolicies, FINDING_CODES } = await import('portcullis/policy')
  if (options.codes === true) return showCodes(FINDING_CODES, options)
  if (paths.length === 0) throw new UsageError('name policy files, or folders of them')
  const { defaultNamespace: namespace = '', kv1 = [], kv2 = [], ignore = [], strict = false } = options
  const unknown = ignore.find((code) => !Object.hasOwn(FINDING_CODES, code) || code === 'invalid')
  if (unknown !== undefined) {
    const known = Object.keys(FINDING_CODES).filter((code) => code !== 'invalid')
    throw new UsageError(`--ignore must be one of ${known.join(', ')}, not ${JSON.stringify(unknown)}`)
  }
  const settings = { namespace, kv1: kv1.map(mountName), kv2: kv2.map(mountName) }
  const all = await checkPolicies(await readPolicyFiles(paths), settings).catch(wrongNamespace)
  const findings = all.findings.filter(({ code }) => !(ignore as readonly FindingCode[]).includes(code))
  show({ ...all, findings }, options)
  const isFailed = findings.some(({ severity }) => strict || severity === 'error')
  if (isFailed) process.exitCode = EXIT.found
}

function showCodes(codes: typeof FINDING_CODES, options: CheckOptions): void {
  const lines = Object.entries(codes).flatMap(([code, { severity, meaning }]) => [
    `${code} (${severity})`,
    `  ${meaning}`,
  ])
  createScreen(options).result({ codes }, lines)
}

function show({ policies, findings }: PolicyCheck, options: CheckOptions): void {
  const screen = createScreen(options)
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.length - errors
  const summary = `${policies.length} ${policies.length === 1 ? 'policy' : 'policies'}, ${errors} errors, ${warnings} warnings`
  const isWell = findings.length === 0
  const lines = [...findings.map((finding) => line(finding, screen)), screen.styled(isWell ? 'green' : 'bold', summary)]
  screen.result({ policies, errors, warnings, findings }, lines)
}

/** In the form that editors take for a place. */
function line(
  { file, line: at = 1, column = 1, severity, code, pointer, rule, message }: PolicyFinding,
  screen: Screen,
): string {
  const word = screen.styled(severity === 'error' ? 'red' : 'yellow', `${severity}[${code}]`)
  const where = pointer === '' ? '' : ` ${pointer}${rule === undefined ? '' : ` (${rule})`}`
  return `${file}:${at}:${column}: ${word}${shown(where)}: ${shown(message)}`
}

function mountName(mount: string): string {
  return mount.replace(/^\/|\/$/g, '')
}

function wrongNamespace(error: unknown): never {
  throw error instanceof TypeError ? new UsageError(`--default-namespace: ${error.message}`) : error
}
