import { createGateway, type Gateway } from 'portcullis'
import { createCallers } from './callers.ts'
import type { LimitsConfig, ListenerConfig, SidecarConfig } from './config/config.ts'
import { gatewayOptions } from './config/gateway-options.ts'
import { tcpAddress } from './config/tcp-address.ts'
import { type Listener, openListener } from './listener.ts'
import { Bodies } from './request/body.ts'
import { createHandler } from './request/handler.ts'
import { createLocalTokens, type LocalTokens } from './tokens/token-store.ts'

/** A sidecar that runs. */
export interface Sidecar {
  /** Of the listeners, in the order of the configuration. */
  readonly addresses: readonly string[]
  /** The gateway that all requests pass; for events and health. */
  readonly gateway: Gateway
  /** Connections that are open, and bytes of request bodies that are held. */
  load(): { readonly connections: number; readonly heldBodyBytes: number }
  /**
   * Policies, TLS files and local tokens anew: each whole, or as it was, but for tokens, of which none is good where their
   * file cannot be used.
   *
   * @throws {AggregateError} of what could not be reloaded.
   */
  reload(): Promise<void>
  /** Takes no more requests, lets those under way end within `limits.drainMs`, and closes the gateway. Idempotent. */
  close(): Promise<void>
}

/** What a sidecar tells while it runs. */
export interface SidecarOptions {
  /** What went wrong in the background; no secrets. */
  readonly onProblem?: (error: Error) => void
}

/** Defaults of {@link LimitsConfig}. */
export const SIDECAR_LIMITS: Required<LimitsConfig> = Object.freeze({
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 120_000,
  maxHeaderBytes: 16 * 1024,
  maxBodyBytes: 32 * 1024 * 1024,
  maxHeldBodyBytes: 128 * 1024 * 1024,
  maxConnections: 10_000,
  drainMs: 10_000,
})

/**
 * Opens a gateway and the listeners before it.
 *
 * Logs in with the first request, so it starts while the server is down.
 *
 * @param config - As {@link readConfig} gives it.
 * @throws {PolicyLoadError}, {AuditError}, {TypeError}, and errors of files, of TLS and of the network.
 * @example
 * const sidecar = await startSidecar(await readConfig('sidecar.json'))
 */
export async function startSidecar(config: SidecarConfig, options: SidecarOptions = {}): Promise<Sidecar> {
  const limits = { ...SIDECAR_LIMITS, ...config.limits }
  const gateway = await createGateway(gatewayOptions(config), { environment: {} })
  const bodies = new Bodies({ maxBytes: limits.maxBodyBytes, maxHeldBytes: limits.maxHeldBodyBytes })
  const listeners: Listener[] = []
  const shut = async (drainMs: number): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close(drainMs)))
    await gateway.close()
  }
  try {
    const tokens = config.tokens && createLocalTokens(config.tokens.file, options.onProblem ?? ((): void => {}))
    await tokens?.reload()
    for (const listener of config.listeners) {
      const handle = { gateway, tokens, bodies, listener }
      listeners.push(await openListener(listener, limits, (peerOf) => createHandler({ ...parts(handle), peerOf })))
    }
    let closing: Promise<void> | undefined
    return {
      addresses: listeners.map(({ address }) => address),
      gateway,
      load: () => ({
        connections: listeners.reduce((sum, { connections }) => sum + connections, 0),
        heldBodyBytes: bodies.heldBytes,
      }),
      reload: () => reload(gateway, tokens, listeners),
      close() {
        closing ??= shut(limits.drainMs)
        return closing
      },
    }
  } catch (error) {
    await shut(0)
    throw error
  }
}

interface Parts {
  readonly gateway: Gateway
  readonly tokens: LocalTokens | undefined
  readonly bodies: Bodies
  readonly listener: ListenerConfig
}

function parts({ gateway, tokens, bodies, listener }: Parts): Omit<Parameters<typeof createHandler>[0], 'peerOf'> {
  const { tcp, unix, caller, passThrough = false, requireRequestHeader = true } = listener
  const isUnix = unix !== undefined
  // Made now, so that attributes which no caller may have stop the start, not a request.
  for (const { caller: attributes } of listener.certificates ?? []) gateway.as(attributes)
  if (caller !== undefined) gateway.as(caller)
  return {
    bodies,
    callers: createCallers({ gateway, tokens, caller, passThrough }),
    demands: { isLocal: isUnix || tcpAddress(tcp ?? '')?.isLoopback === true, isUnix, requireRequestHeader },
  }
}

async function reload(
  gateway: Gateway,
  tokens: LocalTokens | undefined,
  listeners: readonly Listener[],
): Promise<void> {
  const done = await Promise.allSettled([
    gateway.reloadPolicies(),
    tokens?.reload(),
    ...listeners.map((listener) => listener.reloadTls()),
  ])
  const errors = done.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  if (errors.length > 0) throw new AggregateError(errors, 'not all could be reloaded')
}
