import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { Http2Connection } from '../http2/connection.ts'
import type { GrpcAddress, MutualTls } from './connect.ts'
import { Budget, DEFAULT_GRPC_LIMITS, type GrpcLimits, Workload } from './limits.ts'
import type { Method } from './method.ts'
import { type Handler, IncomingCall, type Route, type ServerContext } from './server-call.ts'
import { GRPC_STATUS, GrpcStatusError } from './status.ts'

export interface GrpcServerOptions {
  /** Callers have to show the certificate `ca`. Default: plain text. */
  readonly tls?: Omit<MutualTls, 'serverName'>
  readonly limits?: GrpcLimits
}

/** Who answers which method of a service; those left out answer UNIMPLEMENTED. */
export type Handlers<Service> = { readonly [Name in keyof Service]?: Handler<Service[Name]> }

/** A gRPC server on one socket. */
export interface GrpcServer {
  /** Before {@link listen} or after; a later handler of the same method takes its place. */
  add<Service extends object>(service: Service, handlers: Handlers<Service>): void
  /** Port 0: one that is free. @returns where it listens. @throws {Error} the address cannot be had. */
  listen(address: GrpcAddress): Promise<GrpcAddress>
  /** Takes no more calls, ends streams, waits for unary calls up to `graceMs` (default 1,000), then ends all. Idempotent. */
  close(graceMs?: number): Promise<void>
}

export function createGrpcServer(options: GrpcServerOptions = {}): GrpcServer {
  return new Http2GrpcServer(options)
}

interface Connection {
  readonly http2: Http2Connection
  /** Calls that last until somebody ends them. */
  readonly streaming: Set<IncomingCall>
}

class Http2GrpcServer implements GrpcServer {
  readonly #limits: Required<GrpcLimits>
  readonly #budget: Budget
  readonly #workload: Workload
  readonly #server: Server
  readonly #routes = new Map<string, Route>()
  readonly #connections = new Set<Connection>()
  /** Those that are not up yet too: who never finishes its TLS handshake must not keep us from closing. */
  readonly #sockets = new Set<Socket>()
  #closing: Promise<void> | undefined

  constructor({ tls, limits }: GrpcServerOptions) {
    this.#limits = { ...DEFAULT_GRPC_LIMITS, ...limits }
    this.#budget = new Budget(this.#limits.maxHeldBytes)
    this.#workload = new Workload(this.#limits.maxConcurrentCalls)
    this.#server = serverOf(tls)
    this.#server.maxConnections = this.#limits.maxConnections
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => this.#onSocket(socket))
    // Peers that are not who they should be end here, without a word. Node leaves the socket open of one whose handshake
    // took too long, which would hold its place for ever.
    this.#server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy())
    this.#server.on('error', () => {})
  }

  add<Service extends object>(service: Service, handlers: Handlers<Service>): void {
    for (const [name, method] of Object.entries(service) as [keyof Service, Method<unknown, unknown>][]) {
      const handler = handlers[name]
      if (handler !== undefined) this.#routes.set(method.path, { method, handler } as unknown as Route)
    }
  }

  listen(address: GrpcAddress): Promise<GrpcAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ ...address }, () => {
        this.#server.off('error', reject)
        resolve('path' in address ? address : { host: address.host, port: portOf(this.#server) })
      })
    })
  }

  close(graceMs = 1_000): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const { http2, streaming } of this.#connections) {
      for (const call of streaming) call.fail(new GrpcStatusError(GRPC_STATUS.unavailable, 'the server closes'))
      http2.close()
    }
    const timer = setTimeout(() => {
      for (const { http2 } of this.#connections) http2.destroy('the server closes')
      for (const socket of this.#sockets) socket.destroy()
    }, graceMs)
    await closed
    clearTimeout(timer)
  }

  #onSocket(socket: Socket): void {
    if (this.#closing !== undefined || (isTls(socket) && socket.alpnProtocol !== 'h2')) {
      socket.destroy()
      return
    }
    socket.setNoDelay(true)
    const streaming = new Set<IncomingCall>()
    const context: ServerContext = {
      budget: this.#budget,
      workload: this.#workload,
      maxReceiveBytes: this.#limits.maxReceiveBytes,
      maxSendBytes: this.#limits.maxSendBytes,
      routeOf: (path) => this.#routes.get(path),
      onStreaming: (call, isRunning) => void (isRunning ? streaming.add(call) : streaming.delete(call)),
    }
    const http2 = new Http2Connection(socket, {
      kind: 'server',
      maxStreams: this.#limits.maxConcurrentCalls,
      onStream: (stream) => new IncomingCall(stream, context),
    })
    const connection = { http2, streaming }
    this.#connections.add(connection)
    void http2.closed.then(() => this.#connections.delete(connection))
  }
}

/** Until a caller's TLS is up. */
const HANDSHAKE_MS = 5_000

function serverOf(tls: GrpcServerOptions['tls']): Server {
  if (tls === undefined) return createServer()
  const { ca, cert, key } = tls
  return createTlsServer({
    ca,
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    ALPNProtocols: ['h2'],
  })
}

function isTls(socket: Socket): socket is TLSSocket {
  return 'alpnProtocol' in socket
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
