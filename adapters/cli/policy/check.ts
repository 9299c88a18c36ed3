import type { Command } from 'commander'
import { createScreen } from '../screen.ts'
import { readPolicyFiles } from './files.ts'

interface CheckOptions {
  readonly namespace: string
  readonly json?: boolean
}

/** `policy check`. */
export function addCheck(policy: Command): void {
  policy
    .command('check <paths...>')
    .description('load policy files, or folders of them, as the gateway does')
    .option('--namespace <path>', 'of policies that name none, as the gateway is set up (default: the root)', '')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', '\nExamples:\n  portcullis policy check ./policies\n  portcullis policy check orders.json\n')
    .action(check)
}

async function check(paths: readonly string[], options: CheckOptions): Promise<void> {
  const files = await readPolicyFiles(paths)
  const { createPolicyEngine, parsePolicyText } = await import('portcullis/policy')
  const documents = files.map(({ file, text }) => parsePolicyText(file, text))
  const { policies } = await createPolicyEngine(documents, { namespace: options.namespace })
  createScreen(options).result({ policies }, [`${policies.length} policies, nothing wrong`])
}
