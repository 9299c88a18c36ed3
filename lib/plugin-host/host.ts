import { PluginError } from '../errors/index.ts'
import type { Sealed } from '../model/sealed.ts'
import type { TokenDescription } from '../model/token-description.ts'
import { builtinTable } from '../plugin/builtin/index.ts'
import type { AuthMethod } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Transport, TransportEvent } from '../ports/transport.ts'
import { systemClock } from '../system/clock.ts'
import { systemRandom } from '../system/random.ts'
import { createSchedule } from '../system/schedule.ts'
import { type PluginHostConfig, type PluginHostOptions, resolvePluginHost } from './options.ts'
import type { ProcessEvent } from './process/config.ts'
import { openPlugins } from './process/open-plugins.ts'
import type { Plugins } from './process/plugins.ts'
import { createAccessMethod } from './router/access-method.ts'
import { Announcements } from './router/announcements.ts'
import type { Builtin } from './router/builtins.ts'
import type { Context } from './router/context.ts'
import { createDocuments } from './router/documents.ts'
import { codeOf, createTell, type Tell } from './router/events.ts'
import type { Operator } from './router/operator.ts'
import { openParts, type Parts } from './router/parts.ts'
import { within } from './router/within.ts'

/** What a host reaches the outside through. For tests: a fake clock, fixed chance, plugins that are no processes. */
export interface HostDrivers {
  readonly clock: Clock
  readonly random: Random
  readonly plugins: Plugins
  /** Built-in plugins; default: those of the package. */
  readonly builtins: readonly Builtin[]
}

/**
 * A way to plugins in place of a server: `createGateway({ server: await createPluginHost({ … }), … })`.
 *
 * A gateway closes its host when it closes; where several gateways use one, each is given `host.shared()`.
 */
export interface PluginHost extends Transport {
  /** The gateway's own access: it may use the mounts. Taken by a gateway that is given no `auth`. */
  auth(): AuthMethod
  /** Access that may do everything, over the same calls: `sys/plugins`, `sys/mounts`, `sys/leases`, … */
  operatorAuth(): AuthMethod
  /** The same in the process. */
  readonly operator: Operator
  /** This host for one gateway of several: it stays open when that gateway closes, until {@link PluginHost.close}. */
  shared(): Transport & Pick<PluginHost, 'auth' | 'onEvent'>
  /** Who holds `token`, if a login of an auth plugin made it and it lives. */
  describe(token: Sealed<string>): Promise<TokenDescription | undefined>
  /** What happens to plugins and mounts, by whoever asked for it: a gateway over this host records it in its audit. */
  onEvent(listener: (event: TransportEvent) => void): () => void
  /** Waits for what is in flight, ends the plugins, and closes the storage. Leases stay, and are found at the next start. */
  close(): Promise<void>
}

/**
 * Starts a host of plugins: reads what is stored, registers and mounts what has to be there, revokes what ended meanwhile.
 *
 * @param options - See {@link PluginHostOptions}.
 * @param drivers - Replaces parts of the outside.
 * @throws {TypeError|RangeError} an option is wrong; the message names it.
 * @throws {StorageError} the storage cannot be read.
 * @throws {PluginError} a plugin or mount of the options cannot be had, or the package that speaks to plugins
 *   (`ERR_PORTCULLIS_PLUGIN_PACKAGE`). The storage is left open then.
 */
export async function createPluginHost(
  options: PluginHostOptions,
  drivers: Partial<HostDrivers> = {},
): Promise<PluginHost> {
  const config = resolvePluginHost(options)
  const { clock = systemClock, random = systemRandom, builtins = builtinTable() } = drivers
  const announcements = new Announcements()
  const toUser = createTell(config.onEvent)
  const toAudit = createTell((event) => announcements.tell(event))
  // Apart, so that a listener which throws keeps nothing from the audit.
  const tell: Tell = (name, facts) => {
    toAudit(name, facts)
    toUser(name, facts)
  }
  const plugins = drivers.plugins ?? (await processesOf(config, { clock, random, tell }))
  const schedule = createSchedule(clock, { onError: (error) => tell('work-failed', { code: codeOf(error) }) })
  const { storage: store, defaultLeaseTtlMs, maxLeaseTtlMs } = config
  const documents = createDocuments(store)
  const context: Context = { clock, random, schedule, store, documents, tell, defaultLeaseTtlMs, maxLeaseTtlMs }
  try {
    const parts = await openParts(context, config, { plugins, builtins })
    await declare(parts, config)
    await parts.start()
    return hostOf(parts, context, { plugins, announcements })
  } catch (error) {
    schedule.close()
    await plugins.close()
    throw error
  }
}

async function processesOf(
  { processes }: PluginHostConfig,
  { clock, random, tell }: Pick<Context, 'clock' | 'random' | 'tell'>,
): Promise<Plugins> {
  if (processes === undefined) throw new TypeError('processes.folder is needed: the folder where plugins are run from')
  const onProcess = ({ name, ...facts }: ProcessEvent): void => tell(name, facts)
  return openPlugins({ ...processes, clock, random, onProcess })
}

/** What the options say has to be there. */
async function declare({ operator, table }: Parts, { plugins, mounts, auths }: PluginHostConfig): Promise<void> {
  for (const plugin of plugins) await operator.register(plugin)
  const wanted = [
    ...Object.entries(mounts),
    ...Object.entries(auths).map(([path, mount]) => [`auth/${path.replace(/^auth\//, '')}`, mount] as const),
  ]
  for (const [path, mount] of wanted) {
    const there = table.at(`${path.replace(/\/+$/, '')}/`)
    if (there === undefined) await operator.mount(path, mount)
    else if (there.record.type !== mount.type && !(mount.type === 'kv-v2' && there.record.type === 'kv'))
      throw otherType(path, there.record.type, mount.type)
  }
}

function otherType(path: string, is: string, wanted: string): PluginError {
  const message = `the mount ${JSON.stringify(path)} is of plugin ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}: unmount it first`
  return new PluginError('ERR_PORTCULLIS_PLUGIN_INVALID', message, { plugin: wanted, mount: path })
}

/** How long a host that closes waits for calls on their way, before it ends the plugins under them. */
const DRAIN_LIMIT_MS = 10_000

interface Told {
  readonly plugins: Plugins
  readonly announcements: Announcements
}

function hostOf(parts: Parts, { clock, schedule, store }: Context, { plugins, announcements }: Told): PluginHost {
  const { router, tokens, operator, leases } = parts
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    parts.stop()
    const drained = router.drain()
    // Nobody new comes: who waits for a plugin that may never come up is not waited for.
    plugins.endStarts?.()
    await within(clock, DRAIN_LIMIT_MS, drained)
    schedule.close()
    await within(clock, DRAIN_LIMIT_MS, leases.settled())
    leases.close()
    // Of what is still being set up the end of its process is the end.
    await within(clock, DRAIN_LIMIT_MS, parts.close())
    await plugins.close()
    await store.close()
  }
  const host: PluginHost = {
    address: 'plugin-host:',
    send: (request, options) => router.send(request, options),
    auth: () => createAccessMethod(tokens, 'gateway'),
    operatorAuth: () => createAccessMethod(tokens, 'operator'),
    operator,
    onEvent: (listener) => announcements.listen(listener),
    describe: async (sealed) => {
      const token = router.tokenOf(sealed)
      if (token === undefined || token.isDead || token.dueMs <= clock.now()) return undefined
      return parts.described(token)
    },
    shared: () => {
      const { address, send, auth, describe, onEvent } = host
      return { address, send, auth, describe, onEvent, close: async () => undefined }
    },
    close: () => {
      closing ??= close()
      return closing
    },
  }
  return host
}
