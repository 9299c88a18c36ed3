import type { Command } from 'commander'
import type { ImportedAcl } from 'portcullis/policy'
import { EXIT, UsageError } from '../exit.ts'
import { parseHcl } from '../hcl/parse.ts'
import { createScreen, shown } from '../screen.ts'
import { readTextFile } from './files.ts'
import { writeNewFile } from './new-file.ts'

interface ImportCommandOptions {
  readonly out?: string
  readonly name?: string
  readonly template: readonly string[]
  readonly strict?: boolean
  readonly json?: boolean
}

const EXAMPLES = `
What the server says and a gateway policy cannot is listed on stderr. "wider" means that the gateway alone
would let more pass than the server does; the server still holds its own policy.

Examples:
  portcullis policy import orders.hcl > policies/orders.json
  bao policy read orders | portcullis policy import - --name orders -o policies/orders.json
  portcullis policy import team.hcl --template identity.entity.name=user
`

/** `policy import`. */
export function addImport(policy: Command): void {
  policy
    .command('import <file>')
    .description('make a gateway policy of a server policy (ACL), in HCL or JSON; - reads standard input')
    .option('-o, --out <file>', 'write the policy to a new file (default: standard output)')
    .option('--name <name>', "name of the policy (default: the file's)")
    .option('--template <name=attribute>', "attribute of the caller for one of the server's templates", collect, [])
    .option('--strict', 'exit with 1 where something could not be taken over')
    .option('--json', 'print policy and list as one JSON document')
    .addHelpText('after', EXAMPLES)
    .action(importPolicy)
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

async function importPolicy(file: string, options: ImportCommandOptions): Promise<void> {
  const templates = templatesOf(options.template)
  const { text } = await readTextFile(file)
  const document = await parsed(file, text)
  const { importAcl } = await import('portcullis/policy')
  const name = options.name === undefined ? {} : { name: options.name }
  const imported = importAcl(document as never, { file: file === '-' ? 'imported' : file, templates, ...name })
  const screen = createScreen(options)
  const made = `${JSON.stringify(withSchema(imported), undefined, 2)}\n`
  if (options.out !== undefined) await writeNewFile(options.out, made)
  if (screen.isJson) screen.result(imported, [])
  else if (options.out === undefined) process.stdout.write(made)
  for (const { path, what, makesIt } of screen.isJson ? [] : imported.uncarried) {
    screen.note(`${screen.styled(makesIt === 'wider' ? 'red' : 'yellow', makesIt)}  ${shown(path)}: ${shown(what)}`)
  }
  if (options.strict === true && imported.uncarried.length > 0) process.exitCode = EXIT.found
}

/** JSON is told by its first character, as the server tells it: a block of HCL never begins with a brace. */
async function parsed(file: string, text: string): Promise<unknown> {
  if (!text.trimStart().startsWith('{')) return parseHcl(file, text)
  const { parsePolicyText } = await import('portcullis/policy')
  return parsePolicyText(file, text).document
}

function withSchema({ policy }: ImportedAcl): object {
  return { $schema: './node_modules/portcullis/schemas/policy.schema.json', ...policy }
}

function templatesOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, attribute] = /^([^=]+)=([A-Za-z_][A-Za-z0-9_.-]*)$/.exec(pair) ?? []
      if (name === undefined || attribute === undefined) {
        throw new UsageError(`--template ${pair}: write it as identity.entity.name=user`)
      }
      return [name, attribute]
    }),
  )
}
