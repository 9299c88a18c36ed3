import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, CallOptions, Gateway, JsonObject } from 'portcullis'
import type { Callers, Peer } from '../callers.ts'
import { writeAnswer, writeFailure } from './answer.ts'
import type { Bodies } from './body.ts'
import { failureAnswer } from './failure.ts'
import { type RequestHeaders, readHeaders, refuseForeign } from './headers.ts'
import { guardOwnToken, tellsOwnToken, withoutOwnToken } from './own-token.ts'
import { Refused } from './refused.ts'
import { readTarget, type Target } from './target.ts'

/** What a listener asks of requests. */
export interface Demands {
  /** Only programs on this machine are meant. */
  readonly isLocal: boolean
  readonly isUnix: boolean
  readonly requireRequestHeader: boolean
}

export interface HandlerDeps {
  readonly callers: Callers
  readonly bodies: Bodies
  readonly demands: Demands
  readonly peerOf: (request: IncomingMessage) => Peer
}

/** One request: checked, given a caller, sent through the gateway, answered. Never rejects. */
export type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function createHandler(deps: HandlerDeps): Handle {
  return async (request, response) => {
    const isHead = request.method === 'HEAD'
    try {
      await serve(deps, request, response)
    } catch (error) {
      if (response.headersSent || response.destroyed) response.destroy()
      else {
        // What is left of a body is not waited for.
        if (!request.complete) response.shouldKeepAlive = false
        writeFailure(response, failureAnswer(error), isHead)
      }
    }
  }
}

async function serve(deps: HandlerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { callers, bodies, demands } = deps
  if (demands.isLocal) refuseForeign(request, demands.isUnix)
  const target = readTarget(request.method ?? '', request.url ?? '')
  const headers = readHeaders(request)
  if (demands.requireRequestHeader && !headers.hasRequestMark)
    throw new Refused(412, 'missing "X-Vault-Request" header')
  const caller = await callers.of(deps.peerOf(request), headers.token)
  if (!caller.hasOwnToken) guardOwnToken(target, headers.wrapTtlMs)
  const isMasked = !caller.hasOwnToken && tellsOwnToken(target)
  await bodies.with(request, target.operation, headers.contentType, async (data) => {
    const options = callOptions(target, headers, response)
    const answer = await (caller.isNobody ? withoutToken : call)(caller.gateway, target, data, options)
    const edit = isMasked ? (body: Uint8Array): Uint8Array => withoutOwnToken(body, data) : undefined
    writeAnswer(response, answer, { isHead: target.isHead, edit })
  })
}

function callOptions(target: Target, headers: RequestHeaders, response: ServerResponse): CallOptions {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client has gone'))
  })
  return {
    signal: gone.signal,
    ...(Object.keys(target.query).length > 0 ? { query: target.query } : {}),
    ...(headers.namespace === undefined ? {} : { namespace: headers.namespace }),
    ...(headers.wrapTtlMs === undefined ? {} : { wrapTtlMs: headers.wrapTtlMs }),
    ...(headers.traceparent === undefined ? {} : { traceparent: headers.traceparent }),
  }
}

function call(
  gateway: Gateway,
  { operation, path }: Target,
  data: JsonObject | undefined,
  options: CallOptions,
): Promise<Answer> {
  switch (operation) {
    case 'read':
      return gateway.read(path, options)
    case 'list':
      return gateway.list(path, options) as unknown as Promise<Answer>
    case 'scan':
      return gateway.scan(path, options) as unknown as Promise<Answer>
    case 'write':
      return gateway.write(path, data, options)
    case 'patch':
      return gateway.patch(path, data ?? {}, options)
    case 'delete':
      return gateway.delete(path, options)
  }
}

const STATE = /^sys\/(?:health|seal-status|leader)$/

/** Of a client that passes its own token through, and has none yet: it may log in, and ask how the server does. */
function withoutToken(
  gateway: Gateway,
  target: Target,
  data: JsonObject | undefined,
  options: CallOptions,
): Promise<Answer> {
  const { operation, path } = target
  if (operation === 'write' && /^auth\/(?!token\/)/.test(path)) return gateway.login(path, data, options)
  if (operation === 'read' && STATE.test(path)) return gateway.read(path, options)
  throw new Refused(403, 'this listener passes tokens through: send one as X-Vault-Token')
}
