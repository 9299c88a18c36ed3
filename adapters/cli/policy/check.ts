import type { Command } from 'commander'
import { createScreen } from '../screen.ts'
import { readPolicyFiles } from './files.ts'

interface CheckOptions {
  readonly defaultNamespace?: string
  readonly json?: boolean
}

/** `policy check`. */
export function addCheck(policy: Command): void {
  policy
    .command('check <paths...>')
    .description('load policy files, or folders of them, as the gateway does')
    .option('--default-namespace <path>', 'of the gateway, and so of policies that name none (default: the root)')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', '\nExamples:\n  portcullis policy check ./policies\n  portcullis policy check orders.json\n')
    .action(check)
}

async function check(paths: readonly string[], options: CheckOptions): Promise<void> {
  const files = await readPolicyFiles(paths)
  const { createPolicyEngine, parsePolicyText } = await import('portcullis/policy')
  const documents = files.map(({ file, text }) => parsePolicyText(file, text))
  const { policies } = await createPolicyEngine(documents, { namespace: options.defaultNamespace ?? '' })
  createScreen(options).result({ policies }, [`${policies.length} policies, nothing wrong`])
}
