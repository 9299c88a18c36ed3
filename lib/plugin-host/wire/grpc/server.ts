import { createSecureServer, createServer, type Http2Server, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { GrpcAddress, MutualTls } from './connect.ts'
import { Budget, DEFAULT_GRPC_LIMITS, type GrpcLimits, sessionMemory } from './limits.ts'
import type { Method } from './method.ts'
import { watchFlood } from './pings.ts'
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
  readonly session: ServerHttp2Session
  readonly context: ServerContext
  readonly streaming: Set<IncomingCall>
}

class Http2GrpcServer implements GrpcServer {
  readonly #limits: Required<GrpcLimits>
  readonly #server: Http2Server
  readonly #routes = new Map<string, Route>()
  readonly #connections = new Map<ServerHttp2Session, Connection>()
  /** Those without a session too: who never finishes its TLS handshake must not keep us from closing. */
  readonly #sockets = new Set<Socket>()
  #closing: Promise<void> | undefined

  constructor({ tls, limits }: GrpcServerOptions) {
    this.#limits = { ...DEFAULT_GRPC_LIMITS, ...limits }
    this.#server = serverOf(tls, this.#limits)
    this.#server.maxConnections = this.#limits.maxConnections
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('session', (session) => this.#onSession(session))
    // Peers that are not who they should be end here, without a word.
    for (const event of ['sessionError', 'tlsClientError', 'clientError', 'error']) this.#server.on(event, () => {})
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
    for (const { session, streaming } of this.#connections.values()) {
      for (const call of streaming) call.fail(new GrpcStatusError(GRPC_STATUS.unavailable, 'the server closes'))
      session.close()
    }
    const timer = setTimeout(() => {
      for (const session of this.#connections.keys()) session.destroy()
      for (const socket of this.#sockets) socket.destroy()
    }, graceMs)
    await closed
    clearTimeout(timer)
  }

  #onSession(session: ServerHttp2Session): void {
    session.on('error', () => {})
    if (this.#closing !== undefined) {
      session.destroy()
      return
    }
    const connection: Connection = {
      session,
      streaming: new Set(),
      context: {
        budget: new Budget(this.#limits.maxHeldBytes),
        maxReceiveBytes: this.#limits.maxReceiveBytes,
        maxSendBytes: this.#limits.maxSendBytes,
        onProgress: watchFlood(session).onProgress,
      },
    }
    this.#connections.set(session, connection)
    session.on('close', () => this.#connections.delete(session))
    session.on('stream', (stream, headers) => {
      const call = new IncomingCall(stream, headers, connection.context)
      const route = this.#routeOf(headers, call)
      if (route === undefined) return
      if (route.method.kind !== 'unary') {
        connection.streaming.add(call)
        stream.once('close', () => connection.streaming.delete(call))
      }
      call.run(route)
    })
  }

  #routeOf(headers: Readonly<Record<string, unknown>>, call: IncomingCall): Route | undefined {
    const isGrpc = String(headers['content-type']).startsWith('application/grpc') && headers[':method'] === 'POST'
    const route = isGrpc ? this.#routes.get(String(headers[':path'])) : undefined
    if (route === undefined)
      call.fail(new GrpcStatusError(GRPC_STATUS.unimplemented, isGrpc ? 'no such method' : 'only gRPC is spoken here'))
    return route
  }
}

/** Until a caller's TLS is up. */
const HANDSHAKE_MS = 5_000

function serverOf(tls: GrpcServerOptions['tls'], limits: Required<GrpcLimits>): Http2Server {
  const settings = {
    maxConcurrentStreams: limits.maxConcurrentCalls,
  }
  const maxSessionMemory = sessionMemory(limits)
  if (tls === undefined) return createServer({ settings, maxSessionMemory })
  const { ca, cert, key } = tls
  return createSecureServer({
    settings,
    maxSessionMemory,
    ca,
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
  })
}

function portOf(server: Http2Server): number {
  return (server.address() as AddressInfo).port
}
