import type { Command } from 'commander'
import { type InspectOptions, inspect } from './inspect.ts'
import { createNew, type NewOptions } from './new.ts'
import { type PackOptions, pack } from './pack.ts'
import { withPlace } from './place.ts'

/** `inspect`, `new` and `pack`. */
export function addAuthoringCommands(plugin: Command, signal: AbortSignal): void {
  const repeat = (value: string, all: readonly string[] = []): readonly string[] => [...all, value]
  withPlace(plugin.command('inspect <file>'))
    .description('start a plugin in quarantine and print what it is: FILE, or the NAME of an installed one')
    .option('--type <type>', 'secret, auth or database (default: found out)')
    .option('--isolation <level>', 'crash, uid or sandbox (default: crash: it runs as you, without storage)')
    .option('--arg <text>', 'argument of the plugin; may be repeated', repeat)
    .option('--timeout <seconds>', 'for its start', '60')
    .addHelpText('after', '\nExample:\n  portcullis plugin inspect ./vault-plugin-secrets-kv\n')
    .action((file: string, options: InspectOptions) => inspect(file, options, signal))
  plugin
    .command('new <name>')
    .description('make a folder with a plugin in TypeScript and its tests')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', '\nExample:\n  portcullis plugin new tickets && cd tickets && npm install && npm test\n')
    .action((name: string, options: NewOptions) => createNew(name, options))
  plugin
    .command('pack [entry]')
    .description('make the one file to register, of a plugin in TypeScript (default: main.ts); needs esbuild')
    .option('--out <file>', 'where to (default: dist/NAME, by the name in package.json)')
    .option('--condition <name>', 'condition of package exports; may be repeated', repeat)
    .option('--no-check', 'do not start the file to see what it is')
    .option('--json', 'print JSON, for machines')
    .addHelpText('after', '\nExample:\n  portcullis plugin pack main.ts --out dist/tickets\n')
    .action((entry: string | undefined, options: PackOptions) => pack(entry ?? 'main.ts', options, signal))
}
