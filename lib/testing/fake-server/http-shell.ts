import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Clock } from '../../ports/clock.ts'
import { errorReply, type FakeReply, type FakeRequest } from './exchange.ts'
import type { Disruption } from './faults.ts'

/** What answers requests. */
export type Serve = (request: FakeRequest) => Disruption

/** The fake on a real socket: 127.0.0.1, any free port. */
export interface HttpShell {
  readonly address: string
  /** Cuts what hangs. Idempotent. */
  close(): Promise<void>
}

/** Largest body that is read. */
const MAX_BODY_BYTES = 32 * 1024 * 1024

/** Opens the shell. Delays go by `clock`. */
export async function openHttpShell(serve: Serve, clock: Clock): Promise<HttpShell> {
  const server = createServer((request, response) => {
    respond(request, response, serve, clock).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { address: addressOf(server), close: () => closed(server) }
}

function addressOf(server: Server): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

async function closed(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

async function respond(request: IncomingMessage, response: ServerResponse, serve: Serve, clock: Clock): Promise<void> {
  const parsed = parse(request, await bodyOf(request))
  const { delayMs, end, reply } =
    'status' in parsed ? { delayMs: 0, end: 'answer' as const, reply: parsed } : serve(parsed)
  if (end === 'hang') return
  if (delayMs > 0) await new Promise<void>((resolve) => clock.after(delayMs, resolve))
  if (end === 'reset') request.socket.resetAndDestroy()
  else if (end === 'truncate') truncate(response, reply)
  else {
    response.writeHead(reply.status, reply.headers)
    response.end(reply.body)
  }
}

function truncate(response: ServerResponse, reply: FakeReply): void {
  const length = Math.max(reply.body.length, 2)
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(length) })
  response.write(reply.body.subarray(0, Math.floor(length / 2)), () => response.destroy())
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new RangeError('the body is too large')
    chunks.push(chunk)
  }
  return size === 0 ? undefined : Buffer.concat(chunks).toString('utf8')
}

/** As servers read a URL: an unclean path is redirected to the clean one, an undecodable one refused. */
function parse(request: IncomingMessage, body: string | undefined): FakeRequest | FakeReply {
  const [target = '', search = ''] = splitAt(request.url ?? '', '?')
  if (!target.startsWith('/v1/')) return errorReply(404, [])
  if (/\/\/|\/\.{1,2}(?:\/|$)/.test(target)) {
    const location = new URL(target.replace(/\/{2,}/g, '/'), 'http://x').pathname
    return { status: 307, headers: { location }, body: new Uint8Array() }
  }
  const path = decoded(target.slice('/v1/'.length))
  if (path === undefined || /[\u0000-\u001f]|(?:^|\/)\.{1,2}(?:\/|$)/.test(path))
    return errorReply(400, ['invalid path'])
  return { method: request.method ?? 'GET', path, query: queryOf(search), headers: headersOf(request), body }
}

function splitAt(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The first value of a name counts. */
function queryOf(search: string): Readonly<Record<string, string>> {
  const query: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(search)) if (!Object.hasOwn(query, name)) query[name] = value
  return query
}

function headersOf({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
