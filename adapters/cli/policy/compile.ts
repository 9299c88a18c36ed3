import type { Command } from 'commander'
import { createScreen } from '../screen.ts'
import { readPolicyFiles } from './files.ts'
import { replaceMadeFile } from './replace-file.ts'

interface CompileOptions {
  readonly out: string
  readonly json?: boolean
}

const EXAMPLES = `
The module has no ajv in it and makes no code at run time, so that it starts fast (Lambda) and runs where
that is forbidden (--disallow-code-generation-from-strings). Its decisions are those of the policies.

Examples:
  portcullis policy compile ./policies -o policies.js
  import policies from './policies.js'          // createGateway({ policies, … })
`

/** `policy compile`. */
export function addCompile(policy: Command): void {
  policy
    .command('compile <paths...>')
    .description('make one ES module of policy files, or folders of them')
    .requiredOption('-o, --out <file>', 'the module to write; one that was compiled before is replaced')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', EXAMPLES)
    .action(compile)
}

async function compile(paths: readonly string[], options: CompileOptions): Promise<void> {
  const files = await readPolicyFiles(paths)
  const { COMPILED_HEADER, compilePolicies, parsePolicyText } = await import('portcullis/policy')
  const documents = files.map(({ file, text }) => parsePolicyText(file, text))
  const text = await compilePolicies(documents)
  await replaceMadeFile(options.out, text, COMPILED_HEADER)
  const size = Buffer.byteLength(text)
  createScreen(options).result({ policies: files.length, file: options.out, bytes: size }, [
    `${files.length} policies in ${options.out}, ${size} bytes`,
  ])
}
