import type { MountFacts } from '../../model/backend.ts'
import type { Random } from '../../ports/random.ts'
import { BackendService } from '../wire/gen/services.ts'
import type { CallOptions } from '../wire/grpc/client-call.ts'
import type { Unary } from '../wire/grpc/method.ts'
import type { GrpcServer } from '../wire/grpc/server.ts'
import { setupToWire } from '../wire/setup.ts'
import { type CallFacts, callFailure, isUnimplemented } from './call.ts'
import { serveEvents } from './event-service.ts'
import { type FailureOf, failure } from './failure.ts'
import type { MountStorage } from './mount-storage.ts'
import type { Brokered, PluginProcess } from './plugin-process.ts'
import type { BackendServices } from './plugins.ts'
import { serveStorage } from './storage-service.ts'
import { serveView } from './view-service.ts'

/** What one mount is, to whichever process serves it. */
export interface InstanceParts {
  readonly mount: MountFacts
  readonly services: BackendServices
  readonly storage: MountStorage
  readonly hostVersion: string
  readonly random: Random
  readonly stepTimeoutMs: number
}

/** A backend within one process: lives no longer than that. */
export interface Instance {
  readonly process: PluginProcess
  /** Names this instance among those of the process; goes with every call. */
  readonly metadata: Readonly<Record<string, string>>
  readonly brokered: Brokered
}

/** Signs that are drawn for an id; letters and digits, as go-plugin's hosts use. */
const SIGNS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const ID_LENGTH = 10
/** The largest multiple of the number of signs in a byte: above it, some would come more often than others. */
const FAIR_BYTES = 248

/** Ten random letters and digits. */
export function multiplexId(random: Random): string {
  let id = ''
  while (id.length < ID_LENGTH) {
    for (const byte of random.bytes(ID_LENGTH)) {
      if (byte < FAIR_BYTES && id.length < ID_LENGTH) id += SIGNS[byte % SIGNS.length]
    }
  }
  return id
}

/**
 * Sets a backend up in `process`: its socket with storage and view, then `Setup`.
 *
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_START` where the plugin refuses, or as any call.
 */
export async function setUp(process: PluginProcess, parts: InstanceParts): Promise<Instance> {
  const { mount, stepTimeoutMs } = parts
  const of = { plugin: mount.pluginName, mount: mount.path }
  const brokered = await offered(process, parts, of)
  const metadata = { multiplex_id: multiplexId(parts.random) }
  const instance = { process, metadata, brokered }
  try {
    const request = setupToWire(mount, brokered.id)
    const facts = { ...of, what: 'its set-up', mayHaveHappened: false }
    const { err } = await call(instance, BackendService.setup, request, { timeoutMs: stepTimeoutMs }, facts)
    if (err !== '') throw failure('ERR_PORTCULLIS_PLUGIN_START', of, 'it refused its set-up', { detail: err })
    return instance
  } catch (error) {
    await brokered.close()
    throw error
  }
}

/**
 * Tells an instance that it may write. A plugin that does not know of it has nothing to do.
 *
 * @throws {PluginError} as {@link setUp}.
 */
export async function initialize(instance: Instance, { mount, stepTimeoutMs }: InstanceParts): Promise<void> {
  const of = { plugin: mount.pluginName, mount: mount.path }
  try {
    const options = { metadata: instance.metadata, timeoutMs: stepTimeoutMs }
    const { err } = await instance.process.channel.unary(BackendService.initialize, {}, options)
    if (err === undefined) return
    throw failure('ERR_PORTCULLIS_PLUGIN_START', of, 'it failed to initialise', { detail: err.errMsg })
  } catch (error) {
    if (isUnimplemented(error)) return
    throw await callFailure(error, instance.process, { ...of, what: 'its start', mayHaveHappened: false })
  }
}

/** One call of an instance. @throws {PluginError} by {@link callFailure}, or the reason of the signal. */
export async function call<Request, Reply>(
  { process, metadata }: Instance,
  method: Unary<Request, Reply>,
  request: Request,
  options: Pick<CallOptions, 'signal' | 'timeoutMs'>,
  facts: CallFacts,
): Promise<Reply> {
  try {
    return await process.channel.unary(method, request, { ...options, metadata })
  } catch (error) {
    throw await callFailure(error, process, facts)
  }
}

/** Ends an instance in its process; one that has crashed has ended already. */
export async function cleanUp(instance: Instance, timeoutMs: number): Promise<void> {
  const { process, metadata, brokered } = instance
  if (process.isAlive) await process.channel.unary(BackendService.cleanup, {}, { metadata, timeoutMs }).catch(() => {})
  await brokered.close()
}

async function offered(process: PluginProcess, parts: InstanceParts, of: FailureOf): Promise<Brokered> {
  const { services, storage, hostVersion } = parts
  try {
    return await process.offer((server: GrpcServer) => {
      serveStorage(server, storage)
      serveView(server, services.view, hostVersion)
      serveEvents(server, services.onEvent)
    })
  } catch (cause) {
    throw failure('ERR_PORTCULLIS_PLUGIN_START', of, 'its storage cannot be offered to it', { cause })
  }
}
