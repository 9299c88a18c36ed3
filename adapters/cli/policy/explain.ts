import type { Command } from 'commander'
import type { PolicyDocument } from 'portcullis/policy'
import { EXIT, UsageError } from '../exit.ts'
import { createScreen } from '../screen.ts'
import { type AskedOptions, askedCaller, askedRequest } from './asked.ts'
import { explanationLines } from './explanation.ts'
import { readPolicyFiles } from './files.ts'

interface ExplainOptions extends AskedOptions {
  readonly policies: readonly string[]
  readonly defaultNamespace?: string
  readonly json?: boolean
}

const EXAMPLES = `
What is asked as gateway.read('kv/data/orders') in a program is "read kv/data/orders" here. A * marks the rules
that settled it. Exit code 0: it is allowed. 1: it is refused. No value of the request is ever printed.

Examples:
  portcullis policy explain --policies ./policies --caller '{"service":"orders"}' read kv/data/orders
  portcullis policy explain --policies ./policies --caller '{"service":"orders"}' --caller '{"user":"u-17"}' list kv/metadata/
  echo '{"plaintext":"aGk="}' | portcullis policy explain --policies ./policies --data - write transit/encrypt/cards
  portcullis policy explain --policies ./policies --at 2026-01-04T03:00:00Z read database/creds/orders
`

/** `policy explain`. */
export function addExplain(policy: Command): void {
  const repeat = (value: string, all: readonly string[] = []): readonly string[] => [...all, value]
  policy
    .command('explain <operation> <path>')
    .description('tell what the policies would say of a request: the decision, why, and what would pass')
    .requiredOption('--policies <path>', 'a folder of policies, or a policy file; may be repeated', repeat)
    .option('--caller <json>', 'attributes of the caller; repeated: of each caller made by as() in turn', repeat)
    .option('--data <source>', 'JSON object of the request: @FILE, or - for standard input')
    .option('--query <name=value>', 'query parameter; may be repeated', repeat)
    .option('--wrap-ttl <duration>', 'ask for a wrapped answer, such as 60s')
    .option('--namespace <path>', "of the request (default: the gateway's)")
    .option('--default-namespace <path>', 'of the gateway, and so of policies that name none (default: the root)')
    .option('--at <time>', 'when it is asked, such as 2026-01-05T09:30:00Z (default: now)')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', EXAMPLES)
    .action(explain)
}

async function explain(operation: string, path: string, options: ExplainOptions): Promise<void> {
  const request = await askedRequest(operation, path, options)
  const { createCaller, createPolicyTrial, parsePolicyText } = await import('portcullis/policy')
  const caller = askedCaller(options.caller, createCaller)
  const files = await readPolicyFiles(options.policies)
  const documents = files.map(({ file, text }) => parsePolicyText(file, text))
  const { namespace, defaultNamespace = '' } = options
  const others = namespace === undefined ? {} : { namespaces: [...namespacesOf(documents), namespace] }
  const trial = await createPolicyTrial(documents, { namespace: defaultNamespace, ...others }).catch(wrongNamespace)
  const explanation = trial.explain(caller, request)
  const screen = createScreen(options)
  screen.result(explanation, explanationLines(`${operation} ${path}`, explanation, screen))
  if (explanation.decision.effect === 'deny') process.exitCode = EXIT.found
}

/** As for a trial that is told none: a namespace that a policy names can be asked in. */
function namespacesOf(documents: readonly PolicyDocument[]): readonly string[] {
  return documents.map(({ document }) => (document as { readonly namespace?: string }).namespace ?? '')
}

function wrongNamespace(error: unknown): never {
  throw error instanceof TypeError ? new UsageError(`--default-namespace: ${error.message}`) : error
}
