import type { Command } from 'commander'
import { addCheck } from './check.ts'
import { addCompile } from './compile.ts'
import { addExplain } from './explain.ts'
import { addGenerate } from './generate.ts'
import { addImport } from './import.ts'
import { addReplay } from './replay.ts'
import { addSuggest } from './suggest.ts'
import { addTest } from './test-tables.ts'

const EXIT_CODES = `
Exit codes: 0 all is well, 1 something was found (a fault, a refusal, a row that fails),
2 wrong usage, or input that cannot be read
`

/** The group `portcullis policy`; one file a command. */
export function addPolicyCommands(program: Command): void {
  const policy = program
    .command('policy')
    .description('check and try out gateway policies; no server is needed')
    .enablePositionalOptions()
    .addHelpText('after', EXIT_CODES)
  addCheck(policy)
  addCompile(policy)
  addExplain(policy)
  addGenerate(policy)
  addImport(policy)
  addReplay(policy)
  addSuggest(policy)
  addTest(policy)
}
