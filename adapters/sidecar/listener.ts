import { readFile, stat, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls'
import type { Peer } from './callers.ts'
import { callerOfCertificate } from './certificates.ts'
import type { ListenerConfig } from './config/config.ts'
import { tcpAddress } from './config/tcp-address.ts'
import { FrontSocket } from './front/front-socket.ts'
import type { Handle } from './request/handler.ts'

/** {@link LimitsConfig}, as far as connections go, complete. */
export interface ConnectionLimits {
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxConnections: number
}

/** An open listener. */
export interface Listener {
  /** `http://127.0.0.1:8100`, `https://…`, `unix:///run/portcullis.sock`. */
  readonly address: string
  /** Connections that are open. */
  readonly connections: number
  /** Reads certificate, key and authorities anew, for connections to come. */
  reloadTls(): Promise<void>
  /** Takes no more connections; requests under way have `drainMs`, then every connection is ended. Idempotent. */
  close(drainMs: number): Promise<void>
}

/** Who is at the other end, for requests that came by an open listener. */
export type PeerOf = (request: IncomingMessage) => Peer

const HANDSHAKE_TIMEOUT_MS = 10_000

/** Opens a listener. @throws {Error} of the file system, of TLS or of the network. */
export async function openListener(
  config: ListenerConfig,
  limits: ConnectionLimits,
  handle: (peerOf: PeerOf) => Handle,
): Promise<Listener> {
  const listener = new OpenListener(config, limits, handle)
  await listener.open()
  return listener
}

class OpenListener implements Listener {
  readonly #config: ListenerConfig
  readonly #limits: ConnectionLimits
  readonly #http: Server
  readonly #fronts = new Set<FrontSocket>()
  #net: NetServer | TlsServer | undefined
  #address = ''
  #closing: Promise<void> | undefined

  constructor(config: ListenerConfig, limits: ConnectionLimits, handle: (peerOf: PeerOf) => Handle) {
    this.#config = config
    this.#limits = limits
    const serve = handle((request) => this.#peerOf(request))
    const { headersTimeoutMs, requestTimeoutMs, idleTimeoutMs, maxHeaderBytes } = limits
    this.#http = createServer({
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: idleTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, headersTimeoutMs),
      requireHostHeader: true,
    })
    this.#http.maxHeadersCount = 100
    this.#http.on('request', (request, response) => {
      if (this.#closing !== undefined) response.shouldKeepAlive = false
      const front = request.socket as unknown as FrontSocket
      // In the order of the requests, as the server does it: a client that pipelines reads what it wrote before.
      front.turn = front.turn.then(() => serve(request, response))
    })
    // It never listens itself; hearing that it does is what starts its watch over heads and bodies that do not end.
    this.#http.emit('listening')
  }

  get address(): string {
    return this.#address
  }

  get connections(): number {
    return this.#fronts.size
  }

  async open(): Promise<void> {
    const { tls, tcp = '', unix, mode = '0600' } = this.#config
    const net = tls === undefined ? createNetServer({ allowHalfOpen: true }) : createTlsServer(await this.#tlsOptions())
    net.maxConnections = this.#limits.maxConnections
    // A connection that cannot be taken, such as for want of descriptors, is no reason to end those that are open.
    net.on('error', () => {})
    net.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => this.#connected(socket))
    this.#net = net
    if (unix === undefined) {
      const { host = '', port = 0 } = tcpAddress(tcp) ?? {}
      await listening(net, () => net.listen({ host, port }))
      const { port: bound } = net.address() as AddressInfo
      this.#address = `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${bound}`
      return
    }
    await removeDeadSocket(unix)
    await listening(net, () => {
      // Made with its mode, so that there is no moment at which others could connect.
      const before = process.umask(0o777 & ~Number.parseInt(mode, 8))
      try {
        net.listen(unix)
      } finally {
        process.umask(before)
      }
    })
    this.#address = `unix://${unix}`
  }

  async reloadTls(): Promise<void> {
    if (this.#net !== undefined && 'setSecureContext' in this.#net) this.#net.setSecureContext(await this.#tlsOptions())
  }

  close(drainMs: number): Promise<void> {
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  async #close(drainMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.#net === undefined) resolve()
      else this.#net.close(() => resolve())
    })
    this.#http.closeIdleConnections()
    const timer = setTimeout(() => {
      for (const front of this.#fronts) front.destroy()
    }, drainMs)
    await closed
    clearTimeout(timer)
    this.#http.close()
  }

  async #tlsOptions(): Promise<
    SecureContextOptions & { readonly requestCert: boolean; readonly handshakeTimeout: number }
  > {
    const { certFile = '', keyFile = '', clientCaFile } = this.#config.tls ?? {}
    return {
      cert: await readFile(certFile),
      key: await readFile(keyFile),
      ...(clientCaFile === undefined ? {} : { ca: await readFile(clientCaFile) }),
      // Asked for, and believed only where it is verified: who shows none can still have a local token.
      ...{ requestCert: clientCaFile !== undefined, rejectUnauthorized: false },
      ...{ minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_TIMEOUT_MS, ALPNProtocols: ['http/1.1'] },
    }
  }

  #connected(socket: Socket): void {
    const front = new FrontSocket(socket, this.#limits.idleTimeoutMs)
    this.#fronts.add(front)
    front.once('close', () => this.#fronts.delete(front))
    if (this.#closing === undefined) this.#http.emit('connection', front)
    else front.destroy()
  }

  #peerOf(request: IncomingMessage): Peer {
    const front = request.socket as unknown as FrontSocket
    const { certificates } = this.#config
    const secure = front.socket as Partial<TLSSocket>
    if (certificates === undefined || secure.authorized !== true) return { certificate: undefined }
    return { certificate: callerOfCertificate(secure.getPeerCertificate?.() ?? {}, certificates) }
  }
}

function listening(net: NetServer, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    net.once('error', reject)
    net.once('listening', () => {
      net.off('error', reject)
      resolve()
    })
    listen()
  })
}

/** A socket that nobody listens on is what a sidecar left that was killed. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isSocket() !== true) return
  const isDead = await new Promise<boolean>((resolve) => {
    const probe = connect(path)
    probe
      .once('connect', () => resolve(false))
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
    probe.once('connect', () => probe.destroy())
  })
  if (isDead) await unlink(path)
}
