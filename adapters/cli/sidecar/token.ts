import type { Command } from 'commander'
import { CommandError, UsageError } from '../exit.ts'
import { createScreen, table } from '../screen.ts'

interface IssueOptions {
  readonly file: string
  readonly caller: readonly string[]
  readonly ttl: string
  readonly json?: boolean
}

interface FileOptions {
  readonly file: string
  readonly json?: boolean
}

const EXAMPLES = `
Such a token is good for the sidecar alone, and is never sent on: it says which caller asks. The file keeps its SHA-256,
its end and the caller's attributes; the token itself is printed once. A sidecar follows the file within a second.

Examples:
  portcullis token issue --file tokens.json --caller service=orders --ttl 24h
  portcullis token list --file tokens.json
  portcullis token revoke --file tokens.json 1f2e3d4c5b6a
`

/** The group `portcullis token`. */
export function addToken(program: Command): void {
  const token = program
    .command('token')
    .description('issue, list and revoke local tokens of the sidecar')
    .enablePositionalOptions()
    .addHelpText('after', EXAMPLES)
  const repeat = (value: string, all: readonly string[] = []): readonly string[] => [...all, value]
  token
    .command('issue')
    .description('print a new token, and add it to the file')
    .requiredOption('--file <file>', 'of the local tokens; made with mode 0600 where it does not exist')
    .requiredOption('--caller <name=value>', 'an attribute of the caller, a text; may be repeated', repeat)
    .requiredOption('--ttl <duration>', 'how long it is good, such as 30m, 24h or 90d')
    .option('--json', 'print JSON, for machines')
    .action(issue)
  token
    .command('list')
    .description('the tokens in the file: id, end, caller')
    .requiredOption('--file <file>', 'of the local tokens')
    .option('--json', 'print JSON, for machines')
    .action(list)
  token
    .command('revoke <id>')
    .description('take a token out of the file')
    .requiredOption('--file <file>', 'of the local tokens')
    .option('--json', 'print JSON, for machines')
    .action(revoke)
}

async function issue({ file, caller, ttl, json = false }: IssueOptions): Promise<void> {
  const { changeTokens, makeToken } = await import('portcullis/sidecar')
  const { token, stored } = makeToken(attributesOf(caller), new Date(Date.now() + ttlMs(ttl)))
  // Those that have ended are of no use to anybody.
  await changeTokens(file, (tokens) => [...tokens.filter(({ expires }) => Date.parse(expires) > Date.now()), stored])
  const screen = createScreen({ json })
  screen.result({ token, id: stored.id, expires: stored.expires, caller: stored.caller }, [token])
  screen.progress(`id ${stored.id}, good until ${stored.expires}`)
}

async function list({ file, json = false }: FileOptions): Promise<void> {
  const { readTokens } = await import('portcullis/sidecar')
  const tokens = (await readTokens(file)).map(({ id, expires, caller }) => ({ id, expires, caller }))
  const rows = tokens.map(({ id, expires, caller }) => [id, expires, JSON.stringify(caller)])
  createScreen({ json }).result({ tokens }, table([['id', 'expires', 'caller'], ...rows]))
}

async function revoke(id: string, { file, json = false }: FileOptions): Promise<void> {
  const { changeTokens } = await import('portcullis/sidecar')
  await changeTokens(file, (tokens) => {
    const left = tokens.filter((token) => token.id !== id)
    if (left.length === tokens.length) throw new CommandError(`there is no token ${JSON.stringify(id)} in ${file}`)
    return left
  })
  createScreen({ json }).result({ revoked: id }, [`revoked ${id}`])
}

function attributesOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {}
  for (const pair of pairs) {
    const [, name, value] = /^([A-Za-z_][\w.-]*)=(.+)$/s.exec(pair) ?? []
    if (name === undefined || value === undefined || name === 'token')
      throw new UsageError('--caller must be name=value, such as service=orders; the name is not "token"')
    if (Object.hasOwn(attributes, name)) throw new UsageError(`--caller names ${name} twice`)
    attributes[name] = value
  }
  return attributes
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const MAX_DAYS = 3_650

function ttlMs(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? []
  const ms = Number(count) * (UNITS[unit] ?? 0)
  if (ms <= 0 || ms > MAX_DAYS * 86_400_000)
    throw new UsageError('--ttl must be a whole number and s, m, h or d, at most 3650d')
  return ms
}
