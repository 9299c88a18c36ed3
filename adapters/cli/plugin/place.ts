import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Installer } from 'portcullis/plugin-host'
import { UsageError } from '../exit.ts'
import type { Screen } from '../screen.ts'

/** Options of commands that read or change what is installed. */
export interface PlaceOptions {
  readonly lock: string
  readonly folder?: string
  readonly json?: boolean
}

export type PluginType = 'secret' | 'auth' | 'database'
export type Isolation = 'crash' | 'uid' | 'sandbox'

export function withPlace(command: Command): Command {
  return command
    .option('--lock <file>', 'where plugins are pinned', 'plugins.lock.json')
    .option('--folder <folder>', 'where plugins are installed (default: .portcullis/plugins beside the lock)')
    .option('--json', 'print JSON, for machines')
}

/** The host is loaded here alone: `--help` has not to wait for it. */
export async function openInstaller(options: PlaceOptions, screen: Screen): Promise<Installer> {
  const { createInstaller } = await import('portcullis/plugin-host')
  const lockFile = resolve(options.lock)
  const folder = resolve(options.folder ?? join(dirname(lockFile), '.portcullis', 'plugins'))
  return createInstaller({ lockFile, folder, onProgress: (message) => screen.progress(message) })
}

export function pluginType(text: string | undefined): PluginType | undefined {
  if (text === undefined || text === 'secret' || text === 'auth' || text === 'database') return text
  throw new UsageError(`--type must be secret, auth or database, not ${JSON.stringify(text)}`)
}

export function isolationLevel(text: string | undefined): Isolation | undefined {
  if (text === undefined || text === 'crash' || text === 'uid' || text === 'sandbox') return text
  throw new UsageError(`--isolation must be crash, uid or sandbox, not ${JSON.stringify(text)}`)
}
