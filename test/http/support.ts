import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import type { TestContext } from 'node:test'
import { createHttpTransport } from '../../lib/http/transport.ts'
import { seal } from '../../lib/model/sealed.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import { resolveServer, type ServerOptions } from '../../lib/options/server.ts'
import type { Clock } from '../../lib/ports/clock.ts'
import type { Random } from '../../lib/ports/random.ts'
import type { Transport, TransportOptions, TransportRequest } from '../../lib/ports/transport.ts'

/** Planted in every request; must turn up nowhere but in the header and body that are sent. */
export const TOKEN = 'hvs.PLANTED-TOKEN-51f1'
export const SECRET = 'PLANTED-SECRET-9c2e'

/** The machine's clock. */
export const realClock: Clock = {
  now: () => performance.now() + 1,
  wallTime: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

export const noChance: Random = {
  fraction: () => 0,
  uuid: () => '00000000-0000-4000-8000-000000000000',
  bytes: (length) => new Uint8Array(length),
}

/** A request like most. */
export function requestOf(change: Partial<TransportRequest> = {}): TransportRequest {
  return {
    operation: 'read',
    namespace: '',
    path: 'kv/data/app',
    query: {},
    body: undefined,
    wrapTtlMs: 0,
    token: seal(TOKEN),
    requestId: 'request-1',
    repeatable: false,
    ...change,
  }
}

/** A transport with short waits, closed after the test. */
export function transportTo(t: TestContext, options: ServerOptions): Transport {
  const config = resolveServer({ retryWaitMs: 5, ...options }, {})
  const transport = createHttpTransport(config, { clock: realClock, random: noChance })
  t.after(() => transport.close())
  return transport
}

export function send(
  transport: Transport,
  change: Partial<TransportRequest> = {},
  options: Partial<TransportOptions> = {},
): Promise<ServerAnswer> {
  return transport.send(requestOf(change), { timeoutMs: 5000, ...options })
}

/** A request as a server saw it. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/** A server on a port of its own, and what it saw. */
export interface Peer {
  readonly url: string
  readonly port: number
  readonly seen: Seen[]
  readonly server: Server
}

export type Handle = (response: ServerResponse, request: IncomingMessage, count: number) => void

/** A real HTTP server; `handle` gets the number of the request, from 1. */
export async function peer(t: TestContext, handle: Handle): Promise<Peer> {
  const seen: Seen[] = []
  const server = createServer(recording(seen, handle))
  const port = await listening(t, server)
  return { url: `http://127.0.0.1:${port}`, port, seen, server }
}

export function recording(seen: Seen[], handle: Handle): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request
      seen.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() })
      handle(response, request, seen.length)
    })
  }
}

/** A TCP server that speaks as the test likes. */
export async function tcpPeer(
  t: TestContext,
  onConnect: (socket: Socket, count: number) => void,
): Promise<{ url: string; port: number }> {
  let count = 0
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    count += 1
    onConnect(socket, count)
  })
  const port = await listening(t, server)
  return { url: `http://127.0.0.1:${port}`, port }
}

/** Listens on `port` (0: any), and gives up with the test. */
export async function listening(
  t: TestContext,
  server: TcpServer | Server,
  where: number | string = 0,
): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (typeof where === 'string') server.listen(where, resolve)
    else server.listen(where, '127.0.0.1', resolve)
  })
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return typeof where === 'string' ? 0 : (server.address() as AddressInfo).port
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string | string[]> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** The envelope of a KV secret. */
export const KV: Readonly<Record<string, unknown>> = {
  request_id: 'r-1',
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  data: { password: SECRET },
  mount_type: 'kv',
}
