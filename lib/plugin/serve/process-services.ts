import type { ConnInfo } from '../../plugin-host/wire/gen/plugin.ts'
import {
  GRPCBrokerService,
  GRPCControllerService,
  GRPCStdioService,
  HealthService,
  PluginMultiplexingService,
  PluginVersionService,
} from '../../plugin-host/wire/gen/services.ts'
import type { GrpcServer } from '../../plugin-host/wire/grpc/server.ts'
import type { ServerCall } from '../../plugin-host/wire/grpc/server-call.ts'
import { GRPC_STATUS, GrpcStatusError } from '../../plugin-host/wire/grpc/status.ts'
import type { Broker } from './broker.ts'

/** What the services of the process itself act on. */
export interface ProcessServicesOptions {
  readonly broker: Broker
  readonly isMultiplexing: boolean
  /** Of the plugin that a call is for. */
  readonly versionOf: (call: ServerCall) => string
  /** The host is here: its broker stream is open. */
  readonly onHost: () => void
  /** The host told us to end, or is gone. */
  readonly onEnd: (why: 'shutdown' | 'gone') => void
}

const SERVING = 1

/** Adds health, broker, controller, stdio, version and multiplexing. */
export function addProcessServices(server: GrpcServer, options: ProcessServicesOptions): void {
  server.add(HealthService, {
    check: ({ service }) => {
      if (service === '' || service === 'plugin') return { status: SERVING }
      throw new GrpcStatusError(GRPC_STATUS.notFound, 'unknown service')
    },
  })
  server.add(GRPCControllerService, {
    shutdown: () => {
      options.onEnd('shutdown')
      return {}
    },
  })
  server.add(GRPCBrokerService, { startStream: (messages) => listenToHost(messages, options) })
  server.add(GRPCStdioService, { streamStdio: (_, call) => silence(call) })
  server.add(PluginVersionService, { version: (_, call) => ({ pluginVersion: options.versionOf(call) }) })
  // A service that answers "no" is not the same: hosts of the field take its absence for "not multiplexed".
  if (options.isMultiplexing)
    server.add(PluginMultiplexingService, { multiplexingSupport: () => ({ supported: true }) })
}

/** One stream for the life of a host. Its end without a word before is the end of the host. */
async function* listenToHost(
  messages: AsyncIterable<ConnInfo>,
  { broker, onHost, onEnd }: ProcessServicesOptions,
): AsyncGenerator<ConnInfo> {
  onHost()
  try {
    for await (const message of messages) broker.announce(message)
  } catch {
    // However it ended, it ended.
  } finally {
    onEnd('gone')
  }
  yield* []
}

/** Open as long as the host wants it, and empty: what the plugin has to say goes to the log. */
async function* silence({ signal }: ServerCall): AsyncGenerator<never> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  yield* []
}
