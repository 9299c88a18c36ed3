import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Http2Connection } from '../http2/connection.ts'
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

/**
 * An HTTP/2 connection whose socket, and TLS where it has it, are up.
 *
 * @param maxStreamId - See {@link Http2Connection}.
 * @throws {GrpcStatusError} UNAVAILABLE.
 */
export async function openConnection(
  address: GrpcAddress,
  tls: MutualTls | undefined,
  timeoutMs: number,
  maxStreamId?: number,
): Promise<Http2Connection> {
  const socket = await openSocket(address, tls, timeoutMs)
  return new Http2Connection(socket, { kind: 'client' }, maxStreamId)
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
    socket.setNoDelay(true)
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
