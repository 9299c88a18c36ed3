import { realpathSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Certificate, createCertificate } from '../wire/certificate.ts'
import { type Channel, openChannel } from '../wire/grpc/channel.ts'
import { GrpcStatusError } from '../wire/grpc/status.ts'
import { keepArtefact, lendArtefact } from './artefact.ts'
import { type Command, confine } from './confine.ts'
import { environmentOf, versionsOf } from './environment.ts'
import { failure } from './failure.ts'
import { type FolderOwner, makeProcessFolders, type ProcessFolders, removeFolder } from './folders.ts'
import type { Handshake } from './handshake.ts'
import type { ProcessHost } from './host.ts'
import { PluginChild } from './launch.ts'
import { PluginProcess } from './plugin-process.ts'
import type { CatalogEntry } from './plugins.ts'

/** Root of the package, in which built-in plugins lie. */
const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url))
const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts')

/**
 * Starts what `entry` says, up to the point where it can be called.
 *
 * @param signal - Ends a start that nobody waits for any more: one that hangs would hold up the end of its host.
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_HASH`, `_START`, `_ISOLATION`, `_INVALID`; then nothing is left of it.
 */
export async function startProcess(
  host: ProcessHost,
  entry: CatalogEntry,
  signal: AbortSignal,
): Promise<PluginProcess> {
  const owner = ownerOf(host, entry)
  const folders = makeProcessFolders(host.runFolder, host.nextId(), owner)
  const clear = (): void => {
    removeFolder(folders.base)
    if (owner !== undefined) host.users.release(owner)
  }
  try {
    const [certificate, command] = await Promise.all([
      createCertificate(host.config.clock.wallTime()),
      commandOf(host, entry, folders, owner),
    ])
    const child = await launched(host, entry, { owner, folders, certificate, command })
    host.adopt(child, folders.sockets)
    void child.ended.then(clear)
    return await connected(host, entry, { child, folders, certificate, owner }, signal)
  } catch (error) {
    clear()
    throw error
  }
}

interface Parts {
  readonly owner: FolderOwner | undefined
  readonly folders: ProcessFolders
  readonly certificate: Certificate
}

/** A user of its own, where the level wants one, and also for a sandbox where there are some to be had. */
function ownerOf({ users }: ProcessHost, { isolation, name }: CatalogEntry): FolderOwner | undefined {
  if (isolation === 'uid') return users.take(name)
  return isolation === 'sandbox' && users.isUsable ? users.take(name) : undefined
}

async function commandOf(
  host: ProcessHost,
  entry: CatalogEntry,
  folders: ProcessFolders,
  owner: FolderOwner | undefined,
): Promise<Command> {
  if (entry.isBuiltin) {
    const condition = RUNS_FROM_SOURCE ? ['-C', 'portcullis-source'] : []
    return { file: process.execPath, args: [...condition, ...entry.args] }
  }
  const source = { plugin: entry.name, path: entry.command, sha256: entry.sha256 }
  const copy = await keepArtefact(source, host.artefactFolder, host.config.random)
  if (owner === undefined) return { file: copy, args: entry.args }
  // The folder of the copies is the host's alone: its user gets one that it can run, and not change.
  const lent = join(folders.base, 'plugin')
  await lendArtefact({ ...source, path: copy }, lent, owner)
  return { file: lent, args: entry.args }
}

async function launched(
  host: ProcessHost,
  entry: CatalogEntry,
  { owner, folders, certificate, command }: Parts & { readonly command: Command },
): Promise<PluginChild> {
  const { config } = host
  const versions = versionsOf(entry.type)
  const confinement = {
    plugin: entry.name,
    isolation: entry.isolation,
    owner,
    folders,
    memoryBytes: config.maxMemoryBytes,
    hasNetwork: config.sandboxNetwork,
    readOnlyPaths: [...config.sandboxPaths, ...(entry.isBuiltin ? builtinPaths() : [])],
  }
  const confined = confine(command, confinement, await host.tools)
  const environment = variablesOf(entry, {
    type: entry.type,
    versions,
    clientCertificate: certificate.certPem,
    socketFolder: folders.sockets,
    homeFolder: folders.home,
    temporaryFolder: folders.sockets,
    hostVersion: config.hostVersion,
    extra: entry.env,
  })
  try {
    return await PluginChild.start({
      plugin: entry.name,
      command: confined,
      environment,
      homeFolder: folders.home,
      terms: { versions, socketFolder: folders.sockets },
      timeoutMs: config.startTimeoutMs,
      uid: owner?.uid,
      clock: config.clock,
      onLog: config.onLog,
    })
  } catch (cause) {
    throw failure('ERR_PORTCULLIS_PLUGIN_START', ofEntry(entry), 'it cannot be started', { cause })
  }
}

function variablesOf(entry: CatalogEntry, parts: Parameters<typeof environmentOf>[0]): Record<string, string> {
  try {
    return environmentOf(parts)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'its environment cannot be used'
    throw failure('ERR_PORTCULLIS_PLUGIN_INVALID', ofEntry(entry), message, { cause })
  }
}

/** Where built-in plugins and what they import lie. */
function builtinPaths(): readonly string[] {
  const modules = /^.*?\/node_modules(?=\/)/.exec(PACKAGE)?.[0]
  const own = [PACKAGE, modules ?? `${PACKAGE}node_modules`].flatMap((path) => {
    try {
      return [path, realpathSync(path)]
    } catch {
      return []
    }
  })
  return [...new Set([...own, realpathSync(process.execPath)])]
}

async function connected(
  host: ProcessHost,
  entry: CatalogEntry,
  { child, folders, certificate, owner }: Parts & { readonly child: PluginChild },
  signal: AbortSignal,
): Promise<PluginProcess> {
  let stage = 'it did not come up'
  const end = (): void => child.kill()
  signal.addEventListener('abort', end)
  try {
    if (signal.aborted) end()
    const handshake = await child.handshake()
    stage = 'it cannot be connected to'
    await checkSocket(handshake, owner)
    const channel = await channelTo(host, handshake, certificate)
    return await PluginProcess.open({ host, entry, child, channel, handshake, certificate, folders, owner })
  } catch (cause) {
    child.kill()
    await child.ended
    // A status can have the plugin's words; what is said of a handshake never has.
    if (cause instanceof GrpcStatusError)
      throw failure('ERR_PORTCULLIS_PLUGIN_START', ofEntry(entry), stage, { detail: cause.message })
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    throw failure('ERR_PORTCULLIS_PLUGIN_START', ofEntry(entry), stage + why, { cause })
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** A link would have the host speak to a socket that only the host may use. @throws {Error} it is no socket of the plugin's. */
async function checkSocket({ address }: Handshake, owner: FolderOwner | undefined): Promise<void> {
  if (!('path' in address)) return
  const stats = await lstat(address.path).catch(() => undefined)
  if (stats?.isSocket() === true && (owner === undefined || stats.uid === owner.uid)) return
  throw new Error('there is no socket of its own where it says')
}

function channelTo(host: ProcessHost, handshake: Handshake, certificate: Certificate): Promise<Channel> {
  const { maxMessageBytes, startTimeoutMs } = host.config
  return openChannel(handshake.address, {
    tls: { ca: handshake.certificate, cert: certificate.certPem, key: certificate.keyPem },
    limits: { maxReceiveBytes: maxMessageBytes, maxSendBytes: maxMessageBytes },
    connectTimeoutMs: startTimeoutMs,
    reconnects: true,
  })
}

function ofEntry({ name }: CatalogEntry): { readonly plugin: string } {
  return { plugin: name }
}
