import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { PluginError, ServerError } from '../../lib/errors/index.ts'
import type { Operation } from '../../lib/model/operation.ts'
import { seal, unseal } from '../../lib/model/sealed.ts'
import type { ServerAnswer, TokenGrant, WrapInfo } from '../../lib/model/server-answer.ts'
import type { PluginHost } from '../../lib/plugin-host/host.ts'
import type { TransportRequest } from '../../lib/ports/transport.ts'

/** A host that is reached over HTTP, in the server's shapes. */
export interface HostServer {
  readonly address: string
  /** Of its operator. */
  readonly token: string
}

const MAX_BODY_BYTES = 1024 * 1024

/**
 * A listener in front of `host`, for tests of what speaks to a server: nothing in it knows a path.
 *
 * Each request becomes one of the host's Transport, with the token of its header; there is no policy and no audit.
 */
export async function startHostServer(t: TestContext, host: PluginHost): Promise<HostServer> {
  const server = createServer((request, response) => {
    serve(host, request).then(
      (answer) => write(response, answer),
      () => write(response, { status: 500, body: { errors: ['internal error'] } }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { grant } = await host.operatorAuth().login({} as never)
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: unseal(grant.token) }
}

interface Written {
  readonly status: number
  readonly body?: object | Uint8Array | undefined
  readonly contentType?: string
}

function write(response: ServerResponse, { status, body, contentType = 'application/json' }: Written): void {
  if (body === undefined) return void response.writeHead(status).end()
  response.writeHead(status, { 'content-type': contentType })
  response.end(body instanceof Uint8Array ? body : `${JSON.stringify(body)}\n`)
}

async function serve(host: PluginHost, request: IncomingMessage): Promise<Written> {
  const asked = requestOf(request, await bodyOf(request))
  if (asked === undefined) return { status: 405, body: { errors: [] } }
  try {
    return writtenOf(await host.send(asked, { timeoutMs: 60_000 }))
  } catch (error) {
    // What befell a plugin: the message is ours, and names no secret.
    if (error instanceof PluginError) return { status: 500, body: { errors: [error.message] } }
    if (!(error instanceof ServerError)) throw error
    return { status: error.status === 0 ? 500 : error.status, body: { errors: error.serverErrors() } }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MAX_BODY_BYTES) throw new Error('the body is too large')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function requestOf({ method = '', url = '', headers }: IncomingMessage, body: string): TransportRequest | undefined {
  const { pathname, searchParams } = new URL(url, 'http://host')
  const query = Object.fromEntries(searchParams)
  const operation = operationOf(method, query)
  if (operation === undefined || !pathname.startsWith('/v1/')) return undefined
  const token = headers['x-vault-token']
  const wrap = headers['x-vault-wrap-ttl']
  const { list: _, scan: __, ...rest } = query
  return {
    ...{ operation, query: operation === 'write' ? query : rest },
    namespace: String(headers['x-vault-namespace'] ?? ''),
    path: pathname.slice('/v1/'.length).split('/').map(decodeURIComponent).join('/'),
    body: body === '' ? undefined : body,
    wrapTtlMs: typeof wrap === 'string' ? Number.parseInt(wrap, 10) * 1000 : 0,
    token: typeof token === 'string' && token !== '' ? seal(token) : undefined,
    requestId: crypto.randomUUID(),
    repeatable: false,
  }
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...{ LIST: 'list', SCAN: 'scan', POST: 'write', PUT: 'write', PATCH: 'patch', DELETE: 'delete' },
}

function operationOf(method: string, query: Readonly<Record<string, string>>): Operation | undefined {
  if (method !== 'GET') return OPERATIONS[method]
  return query.list === 'true' ? 'list' : query.scan === 'true' ? 'scan' : 'read'
}

function writtenOf(answer: ServerAnswer): Written {
  const { status, raw, requestId, data, wrapInfo, auth } = answer
  if (raw !== undefined) return { status, body: raw.bytes, contentType: raw.contentType }
  if (status === 204) return { status }
  // `sys/health` and the like come without an envelope.
  if (requestId === '' && wrapInfo === undefined && auth === undefined && status === 200) return { status, body: data }
  return {
    status,
    body: {
      request_id: requestId,
      lease_id: answer.leaseId,
      renewable: answer.renewable,
      lease_duration: answer.leaseDurationMs / 1000,
      data: data ?? null,
      wrap_info: wrapInfo === undefined ? null : wrapInfoOf(wrapInfo),
      warnings: answer.warnings.length === 0 ? null : answer.warnings,
      auth: auth === undefined ? null : authOf(auth),
    },
  }
}

function wrapInfoOf({ token, accessor, ttlMs, creationTime, creationPath }: WrapInfo): object {
  return {
    token: unseal(token),
    accessor: unseal(accessor),
    ttl: ttlMs / 1000,
    creation_time: creationTime,
    creation_path: creationPath,
  }
}

function authOf({ token, accessor, ttlMs, policies, renewable, tokenType, orphan, numUses }: TokenGrant): object {
  return {
    client_token: unseal(token),
    accessor: unseal(accessor),
    policies,
    lease_duration: ttlMs === Infinity ? 0 : ttlMs / 1000,
    renewable,
    token_type: tokenType,
    orphan,
    num_uses: numUses,
  }
}
