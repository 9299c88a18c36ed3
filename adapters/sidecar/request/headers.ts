import type { IncomingMessage } from 'node:http'
import { Refused } from './refused.ts'
import { wrapTtlMs } from './wrap-ttl.ts'

/** What the headers of a request say. All others are dropped: none is sent on as it came. */
export interface RequestHeaders {
  /** Of `X-Vault-Token`, or a bearer token of `Authorization`; may be a secret. */
  readonly token: string | undefined
  readonly namespace: string | undefined
  readonly wrapTtlMs: number | undefined
  readonly contentType: string | undefined
  readonly traceparent: string | undefined
  readonly hasRequestMark: boolean
}

/** Names of the server's own that are read here. */
const KNOWN: ReadonlySet<string> = new Set([
  'x-vault-token',
  'x-vault-namespace',
  'x-vault-wrap-ttl',
  'x-vault-request',
])

/** @throws {Refused} 400 for headers that stand twice, or that ask for what would be left undone. */
export function readHeaders({ headersDistinct, headers }: IncomingMessage): RequestHeaders {
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-vault-') && !KNOWN.has(name))
      throw new Refused(400, `the header ${name} is not supported by the sidecar`)
  }
  const one = (name: string): string | undefined => {
    const values = headersDistinct[name]
    if (values !== undefined && values.length > 1) throw new Refused(400, `the header ${name} stands twice`)
    return values?.[0]
  }
  if ((one('content-encoding') ?? 'identity') !== 'identity')
    throw new Refused(415, 'encoded bodies are not supported by the sidecar')
  const namespace = one('x-vault-namespace')?.replace(/^\/+|\/+$/g, '')
  const wrap = one('x-vault-wrap-ttl')
  return {
    token: readToken(one('x-vault-token'), one('authorization')),
    namespace: namespace === '' ? undefined : namespace,
    wrapTtlMs: wrap === undefined || wrap === '' ? undefined : wrapTtlMs(wrap),
    contentType: one('content-type'),
    traceparent: headersDistinct.traceparent?.[0],
    hasRequestMark: one('x-vault-request') === 'true',
  }
}

function readToken(own: string | undefined, authorization: string | undefined): string | undefined {
  const isGiven = own !== undefined && own !== ''
  if (authorization === undefined) return isGiven ? own : undefined
  if (isGiven) throw new Refused(400, 'give X-Vault-Token or Authorization, not both')
  const bearer = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization)?.[1]
  if (bearer === undefined) throw new Refused(403, 'Authorization must be a bearer token')
  return bearer
}

/** Marks of a request that comes by a browser or a proxy, which a listener for this machine alone does not answer. */
const FOREIGN = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'origin', 'sec-fetch-site'] as const

/** @throws {Refused} 403 for what was hardly sent by a program on this machine. */
export function refuseForeign({ headers }: IncomingMessage, isUnix: boolean): void {
  const found = FOREIGN.find((name) => headers[name] !== undefined)
  if (found !== undefined) throw new Refused(403, `a request with the header ${found} is not answered on this listener`)
  if (isUnix) return
  const host = /^(.*?)(?::\d+)?$/.exec(headers.host ?? '')?.[1] ?? ''
  if (/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(host)) return
  throw new Refused(403, 'the Host of the request is not of this machine')
}
