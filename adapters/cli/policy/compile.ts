import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CommandError } from '../exit.ts'
import { createScreen } from '../screen.ts'
import { readPolicyFiles } from './files.ts'

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
  await replace(options.out, text, COMPILED_HEADER)
  const size = Buffer.byteLength(text)
  createScreen(options).result({ policies: files.length, file: options.out, bytes: size }, [
    `${files.length} policies in ${options.out}, ${size} bytes`,
  ])
}

/** Whole or not at all; only in place of what was made by this command. */
async function replace(file: string, text: string, header: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new CommandError(`${file} was not written: ${error.message}`, 'ERR_INPUT')
  })
  if (before !== undefined && !before.startsWith(header)) {
    throw new CommandError(`${file} was not written: it is there, and was not made by this command`, 'ERR_INPUT')
  }
  const next = `${file}.${process.pid}.new`
  try {
    await writeFile(next, text, { flag: 'wx' })
    await rename(next, file)
  } catch (error) {
    await rm(next, { force: true })
    throw new CommandError(`${file} was not written: ${(error as Error).message}`, 'ERR_INPUT')
  }
}
