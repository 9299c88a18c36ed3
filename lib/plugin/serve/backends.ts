import { errorToWire } from '../../plugin-host/wire/backend-error.ts'
import type { SetupArgs } from '../../plugin-host/wire/gen/backend.ts'
import { BackendService } from '../../plugin-host/wire/gen/services.ts'
import type { MutualTls } from '../../plugin-host/wire/grpc/connect.ts'
import type { GrpcServer } from '../../plugin-host/wire/grpc/server.ts'
import type { ServerCall } from '../../plugin-host/wire/grpc/server-call.ts'
import { GRPC_STATUS, GrpcStatusError } from '../../plugin-host/wire/grpc/status.ts'
import { existenceToWire, replyToWire, specialPathsToWire } from '../../plugin-host/wire/reply.ts'
import { requestFromWire } from '../../plugin-host/wire/request.ts'
import { type SetupFacts, setupFromWire } from '../../plugin-host/wire/setup.ts'
import type { BackendPlugin } from '../definition.ts'
import type { PluginLog } from '../host.ts'
import { createInstance, type Instance } from '../instance.ts'
import { errorOf, refusal } from '../reply.ts'
import { type Broker, SetupFailure } from './broker.ts'
import { HostConnection } from './host-connection.ts'
import { hostStorage } from './host-storage.ts'
import { hostSystem } from './host-system.ts'
import { MULTIPLEX_ID } from './multiplexing.ts'

/** What the mounts of a process share. */
export interface BackendsOptions {
  readonly plugins: readonly BackendPlugin[]
  readonly broker: Broker
  /** To the host. */
  readonly tls: MutualTls | undefined
  readonly isMultiplexing: boolean
  readonly isMetadataMode: boolean
  readonly log: PluginLog
}

interface Mounted {
  readonly instance: Instance
  readonly plugin: BackendPlugin
  readonly host: HostConnection
}

/** The mounts of a process, told apart by the id that each call carries: `pb.Backend`. */
export class Backends {
  readonly #options: BackendsOptions
  readonly #mounts = new Map<string, Mounted>()

  constructor(options: BackendsOptions) {
    this.#options = options
  }

  serve(server: GrpcServer): void {
    server.add(BackendService, {
      setup: (args, call) => this.#setup(args, this.#idOf(call)),
      type: (_, call) => ({ type: this.pluginOf(call).type === 'auth' ? 2 : 1 }),
      specialPaths: (_, call) => ({ paths: specialPathsToWire(this.#mountOf(call).instance.specialPaths) }),
      initialize: async (_, call) => {
        this.#refuseMetadata()
        const error = await this.#mountOf(call).instance.initialize(call)
        return { err: error === undefined ? undefined : errorToWire(error) }
      },
      handleRequest: async ({ request: wire }, call) => {
        this.#refuseMetadata()
        const { instance } = this.#mountOf(call)
        const request = wire === undefined ? undefined : requestFromWire(wire)
        return replyToWire(
          request === undefined ? refusal('unsupported-operation') : await instance.handle(request, call),
        )
      },
      handleExistenceCheck: async ({ request: wire }, call) => {
        this.#refuseMetadata()
        const { instance } = this.#mountOf(call)
        const request = wire === undefined ? undefined : requestFromWire(wire)
        return existenceToWire(
          request === undefined
            ? { checked: false, exists: false, ...refusal('unsupported-operation') }
            : await instance.exists(request, call),
        )
      },
      invalidateKey: async ({ key }, call) => {
        this.#refuseMetadata()
        await this.#mountOf(call).instance.invalidate(key)
        return {}
      },
      cleanup: async (_, call) => {
        // Hosts say it twice: once for the mount, and once for what is gone by then.
        await this.#end(this.#idOf(call))
        return {}
      },
    })
  }

  /** Which plugin a call is for; the first, where it does not say. */
  pluginOf(call: ServerCall): BackendPlugin {
    const [first] = this.#options.plugins
    const plugin = this.#mounts.get(this.#idOf(call))?.plugin ?? first
    if (plugin === undefined) throw noInstance()
    return plugin
  }

  /** Ends all mounts. */
  async close(): Promise<void> {
    await Promise.all([...this.#mounts.keys()].map((id) => this.#end(id)))
  }

  async #setup(args: SetupArgs, id: string): Promise<{ readonly err: string }> {
    try {
      await this.#end(id)
      const facts = setupFromWire(args)
      const plugin = this.#choose(facts)
      const host = new HostConnection(await this.#options.broker.find(args.brokerId), this.#options.tls)
      // Now, and not with the first request: a host that shows another certificate is found out here.
      await host.open()
      this.#mounts.set(id, { instance: this.#mount(plugin, facts, host), plugin, host })
      return { err: '' }
    } catch (error) {
      const isTold = error instanceof SetupFailure || error instanceof GrpcStatusError
      return { err: isTold ? error.message : errorOf(error, this.#options.log).message }
    }
  }

  #choose({ pluginName }: SetupFacts): BackendPlugin {
    const { plugins } = this.#options
    const [only] = plugins
    // A catalog may have it under another name; at registration there is none at all.
    if (only !== undefined && (plugins.length === 1 || pluginName === '')) return only
    const plugin = plugins.find(({ name }) => name === pluginName)
    if (plugin === undefined) throw new SetupFailure('this process has no plugin of that name')
    return plugin
  }

  #mount(plugin: BackendPlugin, facts: SetupFacts, host: HostConnection): Instance {
    const { backendUuid: uuid, options, pluginName, pluginVersion } = facts
    const services = { storage: hostStorage(host), system: hostSystem(host), log: this.#options.log }
    return createInstance(plugin, { uuid, options, pluginName, pluginVersion }, services)
  }

  async #end(id: string): Promise<void> {
    const mounted = this.#mounts.get(id)
    this.#mounts.delete(id)
    if (mounted === undefined) return
    await mounted.instance.close()
    await mounted.host.close()
  }

  #idOf(call: ServerCall): string {
    return this.#options.isMultiplexing ? (call.metadata(MULTIPLEX_ID) ?? '') : ''
  }

  #mountOf(call: ServerCall): Mounted {
    const mounted = this.#mounts.get(this.#idOf(call))
    if (mounted === undefined) throw noInstance()
    return mounted
  }

  #refuseMetadata(): void {
    if (this.#options.isMetadataMode)
      throw new GrpcStatusError(GRPC_STATUS.failedPrecondition, 'the plugin runs in metadata mode')
  }
}

function noInstance(): GrpcStatusError {
  return new GrpcStatusError(GRPC_STATUS.unknown, 'no backend instance found')
}
