import { join } from 'node:path'
import type { Command } from 'commander'
import { EXIT, UsageError } from '../exit.ts'
import { linesOf } from '../lines.ts'
import { createScreen, shown } from '../screen.ts'
import { writeNewFile } from './new-file.ts'

interface SuggestCommandOptions {
  readonly by?: string
  readonly name?: string
  readonly out?: string
  readonly json?: boolean
}

const EXAMPLES = `
The narrowest policy that would have allowed what was allowed: ids in paths become +, request schemas are made of the
forms seen, and values are listed only where the record has them in clear. Read it before you use it.

Exit codes: 0 all that was allowed is covered, 1 some is not, 2 wrong usage or unreadable input

Examples:
  portcullis policy suggest audit.jsonl > policies/orders.json
  portcullis policy suggest audit.jsonl --by service,component -o policies
`

/** `policy suggest`. */
export function addSuggest(policy: Command): void {
  policy
    .command('suggest <audit>')
    .description('make the narrowest policy that would have allowed the recorded traffic; - reads standard input')
    .option(
      '--by <attributes>',
      'attributes of callers, each group with a policy of its own (default: service, where all have it)',
    )
    .option('--name <name>', 'name of the policy, or the beginning of their names', 'suggested')
    .option('-o, --out <folder>', 'write a file a policy into a folder (default: standard output, where there is one)')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', EXAMPLES)
    .action(suggest)
}

async function suggest(audit: string, options: SuggestCommandOptions): Promise<void> {
  const { createSuggester } = await import('portcullis/policy')
  const by = options.by?.split(',').map((name) => name.trim())
  const suggester = createSuggester({
    ...(by === undefined ? {} : { by }),
    ...(options.name === undefined ? {} : { name: options.name }),
  })
  for await (const line of linesOf(audit)) suggester.line(line)
  const { policies, covered, uncovered } = await suggester.suggest()
  const screen = createScreen(options)
  const texts = policies.map((each) => {
    const $schema = './node_modules/portcullis/schemas/policy.schema.json'
    return { name: `${String(each.policy)}.json`, text: `${JSON.stringify({ $schema, ...each }, undefined, 2)}\n` }
  })
  if (options.out !== undefined) for (const { name, text } of texts) await writeNewFile(join(options.out, name), text)
  else if (!screen.isJson && texts.length > 1)
    throw new UsageError(`${texts.length} policies are suggested: name a folder for them with --out`)
  if (screen.isJson) screen.result({ policies, covered, uncovered }, [])
  else if (options.out === undefined) process.stdout.write(texts[0]?.text ?? '')
  screen.progress(`${policies.length} policies cover ${covered} requests`)
  for (const { path, why } of screen.isJson ? [] : uncovered) screen.note(`not covered  ${shown(path)}: ${why}`)
  if (uncovered.length > 0) process.exitCode = EXIT.found
}
