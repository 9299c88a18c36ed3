import type { Command } from 'commander'
import { CommandError, UsageError } from '../exit.ts'
import { createScreen, shown, table } from '../screen.ts'
import { connect, type ServerCommandOptions, urlPath, withServer } from '../server.ts'
import { changeVersion, type MountFacts, readCatalog, readMount, readMounts, versionBefore } from './mounts.ts'
import { openInstaller, type PlaceOptions, pluginType } from './place.ts'
import { addRegister } from './register.ts'

/** `list`, `register`, `pin`, `reload`, `upgrade` and `rollback`. */
export function addHostCommands(plugin: Command): void {
  withServer(plugin.command('list'))
    .description('what is installed; with --server, the catalog and mounts of a server or host')
    .option('--server', 'ask the server')
    .option('--builtin', 'its built-in plugins too')
    .option('--lock <file>', 'where plugins are pinned', 'plugins.lock.json')
    .option('--folder <folder>', 'where plugins are installed (default: .portcullis/plugins beside the lock)')
    .action(list)
  addRegister(plugin)
  withServer(plugin.command('pin <name> [version]'))
    .description('make every mount of a plugin run one version')
    .option('--type <type>', 'secret, auth or database', 'secret')
    .option('--remove', 'let each mount have its own version again')
    .action(pin)
  withServer(plugin.command('reload [name]'))
    .description('start a plugin anew, at all of its mounts or at one')
    .option('--mount <path>', 'at this mount alone')
    .addHelpText('after', '\nExamples:\n  portcullis plugin reload kv\n  portcullis plugin reload --mount secret/\n')
    .action(reload)
  withServer(plugin.command('upgrade <mount> <version>'))
    .description('run another version of its plugin at a mount; set back when it does not come up')
    .addHelpText('after', '\nExample:\n  portcullis plugin upgrade secret/ v0.25.0\n')
    .action(upgrade)
  withServer(plugin.command('rollback <mount>'))
    .description('go back to the version before, or to the one told')
    .option('--to <version>', 'the version to go back to')
    .action(rollback)
}

interface ListOptions extends ServerCommandOptions, PlaceOptions {
  readonly server?: boolean
  readonly builtin?: boolean
}

async function list(options: ListOptions): Promise<void> {
  const screen = createScreen(options)
  if (options.server !== true && options.address === undefined) {
    const plugins = await (await openInstaller(options, screen)).list()
    const rows = plugins.map(({ name, version, type, source }) => [name, version, type, shown(source)])
    return screen.result({ plugins }, rows.length === 0 ? ['nothing is installed'] : table(rows))
  }
  const server = await connect(options)
  const catalog = (await readCatalog(server)).filter(({ builtin }) => options.builtin === true || !builtin)
  const mounts = await readMounts(server)
  const plugins = catalog.map((entry) => ({ ...entry, mounts: mountsOf(entry, mounts) }))
  const rows = plugins.map(({ name, version, type, builtin, mounts: paths }) => [
    shown(name),
    shown(version),
    type,
    builtin ? 'built in' : '',
    shown(paths.join(' ')),
  ])
  screen.result({ plugins }, rows.length === 0 ? ['the catalog has no plugins but built-in ones'] : table(rows))
}

/** Mounts that run exactly this version of it. */
function mountsOf(
  { name, type, version }: { readonly name: string; readonly type: string; readonly version: string },
  mounts: readonly MountFacts[],
): readonly string[] {
  return mounts
    .filter((mount) => mount.plugin === name && mount.type === type && (mount.running || mount.version) === version)
    .map(({ path }) => path)
}

interface PinOptions extends ServerCommandOptions {
  readonly type: string
  readonly remove?: boolean
}

async function pin(name: string, version: string | undefined, options: PinOptions): Promise<void> {
  const type = pluginType(options.type)
  if ((version === undefined) !== (options.remove === true)) throw new UsageError('give a version, or --remove')
  const path = `sys/plugins/pins/${type}/${urlPath(name)}`
  const server = await connect(options)
  const { status } =
    version === undefined
      ? await server.call('DELETE', path, undefined, [404])
      : await server.call('POST', path, { version }, [404])
  if (status === 404)
    throw new CommandError('this server has no pins (OpenBao has none): use portcullis plugin upgrade', 'ERR_NO_PINS')
  const line = version === undefined ? `${name} is pinned no more` : `${name} is pinned to ${version}`
  createScreen(options).result({ name, type, version: version ?? null }, [`${line}; reload it to have it run`])
}

async function reload(name: string | undefined, options: ServerCommandOptions & { mount?: string }): Promise<void> {
  const { mount } = options
  if ((name === undefined) === (mount === undefined)) throw new UsageError('give the name of a plugin, or --mount')
  const body = mount === undefined ? { plugin: name } : { mounts: [`${mount.replace(/^\/|\/$/g, '')}/`] }
  await (await connect(options)).call('POST', 'sys/plugins/reload/backend', body)
  createScreen(options).result({ reloaded: body }, [`reloaded ${mount ?? name}`])
}

async function upgrade(path: string, version: string, options: ServerCommandOptions): Promise<void> {
  const server = await connect(options)
  const before = await readMount(server, path)
  changed(before, await changeVersion(server, before, version), options)
}

async function rollback(path: string, options: ServerCommandOptions & { to?: string }): Promise<void> {
  const server = await connect(options)
  const before = await readMount(server, path)
  const version = options.to ?? (await versionBefore(server, before))
  changed(before, await changeVersion(server, before, version), options)
}

function changed(before: MountFacts, after: MountFacts, options: ServerCommandOptions): void {
  const [from, to] = [before, after].map(({ running, version }) => running || version || 'unversioned')
  const { path: mount, plugin } = after
  createScreen(options).result({ mount, plugin, from, to }, [`${mount} runs ${plugin} ${to}, was ${from}`])
}
