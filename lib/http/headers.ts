import { unseal } from '../model/sealed.ts'
import type { TransportRequest } from '../ports/transport.ts'

const STATIC: readonly string[] = Object.freeze(['user-agent', 'portcullis', 'x-vault-request', 'true'])
const CONTENT_TYPE = Object.freeze({ json: 'application/json', patch: 'application/merge-patch+json' })

/** Visible ASCII: what a token or an id can be, and no header can be split by. */
const VISIBLE = /^[\x21-\x7e]+$/
const PRINTABLE = /^[\x20-\x7e]+$/

/**
 * Names and values, in turn, of the headers of `request`. No trace headers: the server would not log
 * them, and `X-Correlation-Id` ties its audit entry to ours.
 *
 * @throws {TypeError} for a token, namespace or id that no header can carry; the message has none of it.
 */
export function requestHeaders(request: TransportRequest, consistency: readonly string[]): string[] {
  const headers = [...STATIC, 'x-correlation-id', checked('requestId', request.requestId, VISIBLE)]
  // The one place where a token is opened.
  if (request.token !== undefined) headers.push('x-vault-token', checked('the token', unseal(request.token), VISIBLE))
  if (request.namespace !== '') headers.push('x-vault-namespace', checked('namespace', request.namespace, PRINTABLE))
  if (request.wrapTtlMs > 0) headers.push('x-vault-wrap-ttl', String(Math.ceil(request.wrapTtlMs / 1000)))
  if (request.body !== undefined) {
    headers.push('content-type', request.operation === 'patch' ? CONTENT_TYPE.patch : CONTENT_TYPE.json)
  }
  if (consistency.length > 0) headers.push(...consistency)
  return headers
}

function checked(name: string, value: string, allowed: RegExp): string {
  if (!allowed.test(value)) throw new TypeError(`${name} is empty or has characters that no header can carry`)
  return value
}
