import { Command } from 'commander'
import { addAuditCommands } from './audit/group.ts'
import { addDoctor } from './doctor/doctor.ts'
import { report } from './failure.ts'
import { manifest } from './manifest.ts'
import { addAuthoringCommands } from './plugin/authoring.ts'
import { addHostCommands } from './plugin/host-commands.ts'
import { addInstallCommands } from './plugin/install-commands.ts'
import { addPolicyCommands } from './policy/group.ts'
import { addSidecar } from './sidecar/sidecar.ts'
import { addToken } from './sidecar/token.ts'

/**
 * Runs the `portcullis` command.
 *
 * @param args - As after the name of the program.
 * @returns its exit code; see README.md of this folder.
 */
export async function run(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController()
  const onSignal = (): void => interrupt.abort()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onSignal)
  try {
    const program = createProgram(interrupt.signal)
    await program.parseAsync([...args], { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return await report(error, { json: args.includes('--json'), interrupted: interrupt.signal.aborted })
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(signal, onSignal)
  }
}

function createProgram(signal: AbortSignal): Command {
  const program = new Command('portcullis')
    .description('Policy-and-audit gateway for Vault and OpenBao: its command line.')
    .version(manifest.version, '-V, --version', 'print the version of portcullis')
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for how it is used)')
    .addHelpText('after', '\nExample:\n  portcullis plugin install npm:@acme/tickets-plugin@1.2.3\n')
  const plugin = program
    .command('plugin')
    .description('install, inspect, register and write plugins')
    .enablePositionalOptions()
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 not trusted, 4 not what the lock says\n')
  addInstallCommands(plugin, signal)
  addHostCommands(plugin)
  addAuthoringCommands(plugin, signal)
  addPolicyCommands(program)
  addAuditCommands(program)
  addSidecar(program)
  addToken(program)
  addDoctor(program)
  return program
}
