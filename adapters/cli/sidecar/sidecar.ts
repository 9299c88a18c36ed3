import type { Command } from 'commander'
import type { ConfigError, Sidecar } from 'portcullis/sidecar'
import { CommandError, UsageError } from '../exit.ts'
import { createScreen, type Screen, shown } from '../screen.ts'

interface SidecarCommandOptions {
  readonly config: string
  readonly check?: boolean
}

const EXAMPLES = `
Serves the API of the server below /v1/, through the policies and the audit of a gateway. The file is checked against
schemas/config.schema.json; the environment is not read.

SIGHUP reads policies, TLS files and local tokens anew. SIGTERM lets requests under way end.

Exit code 0: ended as it was told to, or --check found nothing. 1: it could not start. 2: the file is wrong.

Examples:
  portcullis sidecar --config sidecar.json --check
  portcullis sidecar --config sidecar.json
  BAO_ADDR=http://127.0.0.1:8100 bao kv get secret/orders
`

/** `portcullis sidecar`. */
export function addSidecar(program: Command): void {
  program
    .command('sidecar')
    .description('run the sidecar: a listener for clients of the server, with policies, cache and audit')
    .requiredOption('--config <file>', 'configuration, JSON')
    .option('--check', 'only check the configuration')
    .addHelpText('after', EXAMPLES)
    .action(sidecar)
}

async function sidecar({ config: file, check }: SidecarCommandOptions): Promise<void> {
  const { ConfigError, readConfig, startSidecar } = await import('portcullis/sidecar')
  const config = await readConfig(file).catch((error: unknown) => {
    if (error instanceof ConfigError) throw new UsageError(faultLines(error))
    throw error
  })
  const screen = createScreen({})
  if (check === true) return screen.result({}, [`${file} is valid`])
  const onProblem = (error: Error): void => screen.note(`problem: ${shown(error.message)}`)
  const running = await startSidecar(config, { onProblem })
  for (const address of running.addresses) screen.note(`listening on ${address}`)
  await untilTold(running, screen)
}

/** In the form that editors take for a place. */
function faultLines({ file, faults }: ConfigError): string {
  const lines = faults.map(
    ({ line = 1, column = 1, pointer, message }) => `${file}:${line}:${column}: ${pointer || '/'}: ${shown(message)}`,
  )
  return ['the configuration is not valid', ...lines].join('\n  ')
}

async function untilTold(running: Sidecar, screen: Screen): Promise<void> {
  const onHangUp = (): void => {
    running.reload().then(
      () => screen.note('reloaded'),
      (error: AggregateError) => {
        for (const { message } of error.errors) screen.note(`problem: not reloaded: ${shown(String(message))}`)
      },
    )
  }
  const ends = ['SIGTERM', 'SIGINT'] as const
  process.on('SIGHUP', onHangUp)
  await new Promise<void>((resolve) => {
    for (const signal of ends) process.once(signal, () => resolve())
  })
  screen.note('ending')
  await running.close().catch((error: unknown) => {
    throw new CommandError(`could not end in order: ${shown((error as Error).message)}`)
  })
  process.removeListener('SIGHUP', onHangUp)
}
