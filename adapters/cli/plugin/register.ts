import { chmod, copyFile, rename, rm, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Verified } from 'portcullis/plugin-host'
import { CommandError, UsageError } from '../exit.ts'
import { createScreen } from '../screen.ts'
import { connect, type Server, type ServerCommandOptions, urlPath, withServer } from '../server.ts'
import { openInstaller, type PlaceOptions, type PluginType, pluginType } from './place.ts'

interface RegisterOptions extends ServerCommandOptions, PlaceOptions {
  readonly fromLock?: boolean
  readonly pluginDirectory?: string
  readonly type?: string
  readonly sha256?: string
  readonly command?: string
  readonly version?: string
  readonly arg?: readonly string[]
  readonly env?: readonly string[]
}

/** What is registered. */
interface Entry {
  readonly name: string
  readonly type: PluginType
  readonly version: string
  readonly sha256: string
  readonly command: string
}

const EXAMPLES = `
Examples:
  portcullis plugin register --from-lock                 everything in plugins.lock.json
  portcullis plugin register kv --from-lock --plugin-directory /opt/vault/plugins
  portcullis plugin register kv --type secret --sha256 … --command vault-plugin-secrets-kv

A server runs only what is in its plugin directory: --plugin-directory puts the file there. A host of
portcullis takes the installed file where it is.
`

export function addRegister(plugin: Command): void {
  const repeat = (value: string, all: readonly string[] = []): readonly string[] => [...all, value]
  withServer(plugin.command('register [names...]'))
    .description('register plugins in the catalog of a server or host')
    .option('--from-lock', 'what is installed, with the hashes of the lock')
    .option('--lock <file>', 'where plugins are pinned', 'plugins.lock.json')
    .option('--folder <folder>', 'where plugins are installed (default: .portcullis/plugins beside the lock)')
    .option('--plugin-directory <folder>', "the server's plugin directory: the file is copied there")
    .option('--type <type>', 'secret, auth or database')
    .option('--sha256 <hex>', 'of the file')
    .option('--command <command>', "file to run, in the server's plugin directory")
    .option('--version <version>', 'such as v1.2.3 (default: unversioned)')
    .option('--arg <text>', 'argument of the command; may be repeated', repeat)
    .option('--env <name=value>', 'environment of the command; may be repeated', repeat)
    .addHelpText('after', EXAMPLES)
    .action(register)
}

async function register(names: readonly string[], options: RegisterOptions): Promise<void> {
  const screen = createScreen(options)
  const entries = options.fromLock === true ? await fromLock(names, options) : [byHand(names, options)]
  const server = await connect(options)
  for (const entry of entries) await put(server, entry, options)
  screen.result(
    { registered: entries },
    entries.map(({ name, type, version, sha256 }) => `registered ${`${name} ${version}`.trim()} (${type})  ${sha256}`),
  )
}

function byHand(names: readonly string[], { type, sha256, command, version = '' }: RegisterOptions): Entry {
  const [name, ...others] = names
  if (name === undefined || others.length > 0) throw new UsageError('give one name, or --from-lock')
  const kind = pluginType(type)
  if (kind === undefined || sha256 === undefined || command === undefined)
    throw new UsageError('--type, --sha256 and --command are needed, or --from-lock')
  if (!/^[0-9a-f]{64}$/i.test(sha256)) throw new UsageError('--sha256 must be 64 hex digits')
  return { name, type: kind, version, sha256: sha256.toLowerCase(), command }
}

async function fromLock(names: readonly string[], options: RegisterOptions): Promise<readonly Entry[]> {
  for (const name of ['type', 'sha256', 'command', 'version'] as const)
    if (options[name] !== undefined) throw new UsageError(`--${name} does not go with --from-lock, which says it`)
  const all = await (await openInstaller(options, createScreen(options))).verify()
  const isMeant = ({ name, version }: Verified): boolean =>
    names.length === 0 || names.includes(name) || names.includes(`${name}@${version}`)
  const chosen = all.filter(isMeant)
  const known = all.map(({ name, version }) => `${name}@${version}`).join(', ')
  const absent = names.find(
    (name) => !all.some((plugin) => [plugin.name, `${plugin.name}@${plugin.version}`].includes(name)),
  )
  if (absent !== undefined || chosen.length === 0)
    throw new CommandError(
      `the lock has no ${absent ?? 'plugin'}${known === '' ? '' : `; it has ${known}`}`,
      'ERR_PORTCULLIS_PLUGIN_LOCK',
    )
  const bad = chosen.find(({ state }) => state !== 'ok')
  if (bad !== undefined)
    throw new CommandError(
      `${bad.name} is ${bad.state}, not what the lock says: run portcullis plugin install`,
      'ERR_PORTCULLIS_PLUGIN_LOCK',
    )
  return await Promise.all(chosen.map((plugin) => lent(plugin, options.pluginDirectory)))
}

/** Where the server finds it: as it is installed, or as a copy in its plugin directory. */
async function lent({ name, type, version, sha256, path }: Verified, directory: string | undefined): Promise<Entry> {
  if (directory === undefined) return { name, type, version, sha256, command: path }
  const folder = resolve(directory)
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw new UsageError(`${directory} is no folder`)
  const command = version === '' ? name : `${name}-${version}`
  const draft = join(folder, `.${command}.${process.pid}`)
  try {
    await copyFile(path, draft)
    await chmod(draft, 0o755)
    await rename(draft, join(folder, command))
  } finally {
    await rm(draft, { force: true })
  }
  return { name, type, version, sha256, command }
}

async function put(server: Server, entry: Entry, { arg = [], env = [] }: RegisterOptions): Promise<void> {
  const { name, type, version, sha256, command } = entry
  const body = {
    ...{ sha256, command },
    ...(version === '' ? {} : { version }),
    ...(arg.length === 0 ? {} : { args: arg }),
    ...(env.length === 0 ? {} : { env }),
  }
  const path = `sys/plugins/catalog/${type}/${urlPath(name)}`
  try {
    await server.call('POST', path, body)
  } catch (error) {
    // As servers say of a file outside of their plugin directory.
    const isElsewhere = error instanceof CommandError && /command path|plugin directory/.test(error.message)
    if (!isAbsolute(command) || !isElsewhere) throw error
    const hint = 'a server other than a portcullis host needs --plugin-directory'
    throw new CommandError(`${error.message} (${hint})`, error.code)
  }
}
