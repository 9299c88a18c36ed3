import type { Dispatcher } from 'undici'
import { unseal } from '../model/sealed.ts'
import type { ServerConfig } from '../options/server.ts'
import { type TlsSettings, tlsSettings } from './tls.ts'
import { Pool, ProxyAgent } from './undici.ts'

/** Connections to the server, and to the nodes it may redirect to. Never undici's global dispatcher. */
export interface Dispatchers {
  /** Connections to `origin`; made when first asked for. */
  of(origin: string): Dispatcher
  /** Ends all of them, in use or not. */
  destroy(): Promise<void>
}

/** Longer than a healthy network needs, and what the field's clients allow a handshake. */
const CONNECT_TIMEOUT_MS = 10_000

/** {@link Dispatchers} for `config`. @throws as {@link tlsSettings}. */
export function createDispatchers(config: ServerConfig): Dispatchers {
  const tls = tlsSettings(config.tls)
  const made = new Map<string, Dispatcher>()
  return {
    of(origin) {
      let dispatcher = made.get(origin)
      if (dispatcher === undefined) {
        dispatcher = createDispatcher(config, tls, origin)
        made.set(origin, dispatcher)
      }
      return dispatcher
    },
    async destroy() {
      await Promise.all(Array.from(made.values(), (dispatcher) => dispatcher.destroy()))
    },
  }
}

function createDispatcher(config: ServerConfig, tls: TlsSettings, origin: string): Dispatcher {
  const { allowH2, connections } = config
  // The time limit of the whole exchange is ours; undici's own would only add timers.
  const limits = { headersTimeout: 0, bodyTimeout: 0, connections, allowH2, pipelining: 1 }
  if (config.proxy !== undefined) {
    const uri = unseal(config.proxy.url)
    // The proxy is another party than the server: it gets neither its name nor our certificate.
    const { ca, minVersion, rejectUnauthorized } = tls
    const proxyTls = { minVersion, rejectUnauthorized, ...(ca === undefined ? {} : { ca }) }
    const shared = { ...limits, uri, proxyTls, requestTls: { ...tls, allowH2 } }
    return new ProxyAgent({ ...shared, connectTimeout: CONNECT_TIMEOUT_MS } as ProxyAgent.Options)
  }
  const socketPath = origin === config.origin ? config.socketPath : undefined
  const connect = { ...tls, timeout: CONNECT_TIMEOUT_MS, ...(socketPath === undefined ? {} : { socketPath }) }
  return new Pool(origin, { ...limits, connect })
}
