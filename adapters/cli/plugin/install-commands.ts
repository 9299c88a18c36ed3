import { type Command, Option } from 'commander'
import type { Installed, Looked } from 'portcullis/plugin-host'
import { CommandError, EXIT, UsageError } from '../exit.ts'
import { createScreen, type Screen, shown, table } from '../screen.ts'
import { inspectionLines } from './inspection.ts'
import { isolationLevel, openInstaller, type PlaceOptions, pluginType, withPlace } from './place.ts'

interface InstallCommandOptions extends PlaceOptions {
  readonly yes?: boolean
  readonly name?: string
  readonly type?: string
  readonly version?: string
  readonly isolation?: string
  readonly registry?: string
}

/** `install`, `verify`, `outdated` and `remove`. */
export function addInstallCommands(plugin: Command, signal: AbortSignal): void {
  withPlace(plugin.command('install [source]'))
    .description('install a plugin and pin it; without a source, restore what the lock says')
    .option('-y, --yes', 'trust it without being asked')
    .option('--name <name>', 'name in the catalog (default: that of the package or file)')
    .option('--type <type>', 'secret, auth or database (default: found out)')
    .option('--version <version>', 'version to pin, such as v1.2.3 (default: what the package or plugin says)')
    .option('--isolation <level>', 'how it is kept apart while it is looked at: crash, uid or sandbox')
    .addOption(new Option('--registry <url>', 'npm registry (default: that of the npm configuration)'))
    .addHelpText('after', INSTALL_EXAMPLES)
    .action((source: string | undefined, options: InstallCommandOptions) => install(source, options, signal))
  withPlace(plugin.command('verify'))
    .description('hash every installed plugin anew and compare it with the lock')
    .action(verify)
  withPlace(plugin.command('outdated'))
    .description('look for later versions of what is installed')
    .action((options: PlaceOptions) => outdated(options, signal))
  withPlace(plugin.command('remove <name>'))
    .description('remove an installed plugin; NAME@VERSION for one version of it')
    .action(remove)
}

const INSTALL_EXAMPLES = `
Sources:
  ./file                      a program, or a script with a #! line
  npm:@scope/name@1.2.3       a package with { "portcullis": { "plugin": { "name", "type", "main" } } }
  go:MODULE/cmd/NAME@v1.2.3   built here by the Go toolchain, checked by Go's sums
  https://…#sha256=…          a download with its hash

Examples:
  portcullis plugin install npm:@acme/tickets-plugin@1.2.3
  portcullis plugin install go:github.com/hashicorp/vault-plugin-secrets-kv/cmd/vault-plugin-secrets-kv@v0.25.0
  portcullis plugin install --yes     restores what plugins.lock.json says
`

async function install(source: string | undefined, options: InstallCommandOptions, signal: AbortSignal): Promise<void> {
  const screen = createScreen(options)
  const type = pluginType(options.type)
  const isolation = isolationLevel(options.isolation)
  if (options.registry !== undefined) process.env.npm_config_registry = registryOf(options.registry)
  const installer = await openInstaller(options, screen)
  if (source === undefined) {
    const { name, version } = options
    if ([name, type, version].some((given) => given !== undefined))
      throw new UsageError('--name, --type and --version go with a source; without one, the lock says them')
    return told(screen, await installer.restore({ signal }), 'restored')
  }
  const installed = await installer.install(source, {
    trust: (looked) => trust(looked, options, screen, signal),
    signal,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(type === undefined ? {} : { type }),
    ...(isolation === undefined ? {} : { isolation }),
  })
  told(screen, [installed], 'installed')
}

function registryOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.href
  throw new UsageError(`--registry must be a URL, not ${JSON.stringify(text)}`)
}

/** Shows what a plugin is and asks for; then asks, if there is somebody to ask. */
async function trust(
  { plugin, inspection }: Looked,
  options: InstallCommandOptions,
  screen: Screen,
  signal: AbortSignal,
): Promise<boolean> {
  if (!screen.isJson) {
    screen.note(screen.styled('bold', `${plugin.name} ${plugin.version}`.trim()))
    screen.note(`source    ${shown(plugin.source)}\nsha256    ${plugin.sha256}`)
    if (plugin.integrity !== undefined) screen.note(`integrity ${plugin.integrity}`)
    screen.note(inspectionLines(inspection, screen).join('\n'))
    const reported = inspection.version.replace(/^v/, '')
    if (reported !== '' && reported !== plugin.version.replace(/^v/, ''))
      screen.note(
        `warning: it reports the version ${shown(inspection.version)}: a server refuses to register it as ${plugin.version}`,
      )
  }
  if (options.yes === true) return true
  if (screen.canAsk) return await screen.confirm('A plugin runs as a program on this machine. Trust it?', signal)
  const message = `plugin ${plugin.name} was not trusted: nobody can be asked here, so say --yes after looking at it`
  throw new CommandError(message, 'ERR_PORTCULLIS_PLUGIN_UNTRUSTED')
}

function told(screen: Screen, plugins: readonly Installed[], what: string): void {
  const lines = plugins.map(
    ({ name, version, path }) => `${screen.styled('green', what)} ${`${name} ${version}`.trim()}  ${path}`,
  )
  screen.result({ plugins }, lines)
}

async function verify(options: PlaceOptions): Promise<void> {
  const screen = createScreen(options)
  const found = await (await openInstaller(options, screen)).verify()
  const bad = found.filter(({ state }) => state !== 'ok')
  const rows = found.map(({ state, name, version, path }) => [state, name, version, path])
  screen.result({ ok: bad.length === 0, plugins: found }, table(rows))
  if (bad.length === 0) return
  process.exitCode = EXIT.lock
  screen.note(`${bad.length} of ${found.length} are not what the lock says: portcullis plugin install restores them`)
}

async function outdated(options: PlaceOptions, signal: AbortSignal): Promise<void> {
  const screen = createScreen(options)
  const found = await (await openInstaller(options, screen)).outdated({ signal })
  const rows = found.map(({ plugin, state, latest, note }) => [
    plugin.name,
    plugin.version,
    state === 'outdated' && latest !== undefined ? `-> ${shown(latest)}` : state,
    shown(note ?? ''),
  ])
  screen.result({ plugins: found }, table(rows))
}

async function remove(text: string, options: PlaceOptions): Promise<void> {
  const screen = createScreen(options)
  const [name = '', version] = text.split('@')
  const removed = await (await openInstaller(options, screen)).remove(name, version)
  screen.result(
    { removed },
    removed.map((plugin) => `removed ${`${plugin.name} ${plugin.version}`.trim()}`),
  )
}
