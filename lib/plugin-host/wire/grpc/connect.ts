import { type ClientHttp2Session, connect as connectSession } from 'node:http2'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type GrpcLimits, sessionMemory } from './limits.ts'
import { GRPC_STATUS, GrpcStatusError } from './status.ts'

/** Where a peer listens: a Unix socket, or TCP. */
export type GrpcAddress = { readonly path: string } | { readonly host: string; readonly port: number }

/** Both ends show a certificate, and each trusts exactly the other's. All PEM. */
export interface MutualTls {
  /** Trusted: the peer's own certificate. */
  readonly ca: string
  /** Shown to the peer. */
  readonly cert: string
  readonly key: string
  /** Name that the peer's certificate has to carry. Default: `localhost`. */
  readonly serverName?: string
}

/** A session, and the socket below it, which it would hide. */
export interface OpenSession {
  readonly session: ClientHttp2Session
  readonly socket: Socket
}

/**
 * An HTTP/2 session whose socket, and TLS where it has it, are up.
 *
 * The windows of flow control stay as small as they are by default: Node does not read while it writes, so that two
 * of it, each with more under way than their sockets hold, would wait for each other for ever.
 *
 * @throws {GrpcStatusError} UNAVAILABLE.
 */
export async function openSession(
  address: GrpcAddress,
  tls: MutualTls | undefined,
  timeoutMs: number,
  limits: Required<GrpcLimits>,
): Promise<OpenSession> {
  const socket = await openSocket(address, tls, timeoutMs)
  const session = connectSession(tls === undefined ? 'http://localhost' : 'https://localhost', {
    createConnection: () => socket,
    maxSessionMemory: sessionMemory(limits),
    settings: { enablePush: false },
  })
  return { session, socket }
}

function openSocket(address: GrpcAddress, tls: MutualTls | undefined, timeoutMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = tls === undefined ? connectPlain({ ...address }) : secureSocket(address, tls)
  const timer = setTimeout(() => failed(new Error('it took too long')), timeoutMs)
  const failed = (cause: Error): void => {
    clearTimeout(timer)
    socket.destroy()
    reject(new GrpcStatusError(GRPC_STATUS.unavailable, 'the peer cannot be connected to', { cause }))
  }
  socket.once('error', failed)
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
    if (tls !== undefined && (socket as { readonly alpnProtocol?: unknown }).alpnProtocol !== 'h2')
      return failed(new Error('the peer does not speak HTTP/2'))
    clearTimeout(timer)
    socket.off('error', failed)
    resolve(socket)
  })
  return promise
}

function secureSocket(address: GrpcAddress, { ca, cert, key, serverName = 'localhost' }: MutualTls): Socket {
  return connectTls({
    ...address,
    ca,
    cert,
    key,
    servername: serverName,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.2',
  })
}
