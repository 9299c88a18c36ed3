import { certificateField, createCertificate } from '../../plugin-host/wire/certificate.ts'
import type { GrpcAddress, MutualTls } from '../../plugin-host/wire/grpc/connect.ts'
import { createGrpcServer, type GrpcServer } from '../../plugin-host/wire/grpc/server.ts'
import type { BackendPlugin, DatabasePlugin, Plugin } from '../definition.ts'
import type { PluginLog } from '../host.ts'
import { Backends } from './backends.ts'
import { Broker } from './broker.ts'
import { Databases } from './databases.ts'
import { chooseVersion, type LaunchEnvironment } from './environment.ts'
import { listen } from './listen.ts'
import { addProcessServices } from './process-services.ts'
import { addReflection } from './reflection.ts'

/** How plugins are served. */
export interface PluginProcessOptions {
  readonly plugins: readonly Plugin[]
  readonly launch: LaunchEnvironment
  /** Serves many mounts at once, where the host wants that. */
  readonly isMultiplexing: boolean
  readonly log: PluginLog
}

/** Plugins that listen. */
export interface PluginProcess {
  /** The handshake, without its newline. */
  readonly line: string
  readonly address: GrpcAddress
  /** Resolves when the host wants it to end, or is gone. */
  readonly ended: Promise<'shutdown' | 'gone'>
  /** Ends mounts and connections. Idempotent. */
  close(): Promise<void>
}

/** No protocol that both speak. */
export class ProtocolMismatch extends Error {}

/** A host that does not come to the broker within this is none. */
const HOST_LIMIT_MS = 60_000
/** After the broker's stream has ended, a word may still be on its way. */
const GONE_DELAY_MS = 300

/**
 * Brings plugins up to the moment before their handshake is printed.
 *
 * @throws {ProtocolMismatch} the host offers no version of ours.
 * @throws {Error} it cannot listen.
 */
export async function startPluginProcess(options: PluginProcessOptions): Promise<PluginProcess> {
  const { plugins, launch, isMultiplexing, log } = options
  const backends = plugins.filter((plugin): plugin is BackendPlugin => plugin.type !== 'database')
  const [database] = plugins.filter((plugin): plugin is DatabasePlugin => plugin.type === 'database')
  const served = { backend: backends.length > 0, database: database !== undefined, isMultiplexing }
  const version = chooseVersion(launch, served)
  if (version === undefined) throw new ProtocolMismatch('the host offers no protocol version that this plugin speaks')
  const own = launch.hostCertificate === undefined ? undefined : await createCertificate()
  const tls = own && { ca: launch.hostCertificate ?? '', cert: own.certPem, key: own.keyPem }
  const server = createGrpcServer(tls === undefined ? {} : { tls })
  const parts = partsOf(options, { backends, database, tls, version })
  const ended = addServices(server, parts)
  const address = await listen(server, launch)
  const where = 'path' in address ? ['unix', address.path] : ['tcp', `${address.host}:${address.port}`]
  const fields = ['1', version, ...where, 'grpc', own === undefined ? '' : certificateField(own)]
  log.debug('plugin listens', { address: where[1] ?? '', network: where[0] ?? '' })
  return {
    line: [...fields, ...(launch.knowsMultiplexedBroker ? ['false'] : [])].join('|'),
    address,
    ended,
    close: async () => {
      await Promise.all([parts.backends.close(), parts.databases?.close(), server.close(500)])
    },
  }
}

interface Parts {
  readonly broker: Broker
  readonly backends: Backends
  readonly databases: Databases | undefined
  readonly hasBackends: boolean
  readonly isMultiplexing: boolean
  readonly versionOf: (call: Parameters<Backends['pluginOf']>[0]) => string
}

function partsOf(
  { launch, isMultiplexing: isWanted, log }: PluginProcessOptions,
  found: {
    readonly backends: readonly BackendPlugin[]
    readonly database: DatabasePlugin | undefined
    readonly tls: MutualTls | undefined
    readonly version: number
  },
): Parts {
  const broker = new Broker()
  const hasBackends = found.backends.length > 0
  const isForBackends = hasBackends && (launch.isBackend || found.database === undefined)
  // Drivers alone say by their version whether they multiplex.
  const isMultiplexing = isWanted && (hasBackends || found.version === 6)
  const backends = new Backends({
    plugins: found.backends,
    broker,
    tls: found.tls,
    isMultiplexing,
    isMetadataMode: launch.isMetadataMode,
    log,
  })
  const databases = found.database && new Databases({ plugin: found.database, isMultiplexing, log })
  return {
    broker,
    backends,
    databases,
    hasBackends,
    isMultiplexing,
    // Of a process that serves both kinds, the kind that the host started it as is asked about.
    versionOf: (call) => (isForBackends ? backends.pluginOf(call).version : (found.database?.version ?? '')),
  }
}

/** Full names of what is served, reflection apart. */
function servicesOf({ hasBackends, databases, isMultiplexing }: Parts): readonly string[] {
  return [
    'grpc.health.v1.Health',
    'plugin.GRPCBroker',
    'plugin.GRPCController',
    'plugin.GRPCStdio',
    'logical.PluginVersion',
    ...(isMultiplexing ? ['pluginutil.multiplexing.PluginMultiplexing'] : []),
    ...(hasBackends ? ['pb.Backend'] : []),
    ...(databases === undefined ? [] : ['dbplugin.v5.Database']),
  ]
}

function addServices(server: GrpcServer, parts: Parts): Promise<'shutdown' | 'gone'> {
  const { promise, resolve } = Promise.withResolvers<'shutdown' | 'gone'>()
  const nobody = setTimeout(() => resolve('gone'), HOST_LIMIT_MS)
  nobody.unref()
  addProcessServices(server, {
    ...parts,
    onHost: () => clearTimeout(nobody),
    onEnd: (why) => {
      // The reply to a shutdown has to leave first.
      setTimeout(() => resolve(why), why === 'gone' ? GONE_DELAY_MS : 10)
    },
  })
  if (parts.hasBackends) parts.backends.serve(server)
  parts.databases?.serve(server)
  addReflection(server, servicesOf(parts))
  return promise.finally(() => clearTimeout(nobody))
}
