import type { Operation } from '../model/operation.ts'
import type { Query } from '../model/request.ts'

/**
 * The request target: `/v1/`, each segment of the decoded `path` percent-encoded, then the query.
 *
 * A server keeps `a?b`, `a#b`, `a%2e%2e` and `a\b` apart, so each byte that could mean something else
 * on the way is encoded; only the slashes stay. What no canonical path has is refused here too, since
 * a name that was judged must not reach another one.
 *
 * @param prefix - Path of the server before `/v1/`; empty or `/vault`.
 * @throws {TypeError} for a path or query that is not canonical; nothing of it is in the message.
 *
 * @example
 * requestTarget('', 'list', 'kv/metadata/a b', {}) // '/v1/kv/metadata/a%20b?list=true'
 */
export function requestTarget(prefix: string, operation: Operation, path: string, query: Query): string {
  return `${prefix}/v1/${encodePath(path)}${encodeQuery(operation, query)}`
}

/** Safe as they are, in every segment but `.` and `..`; most paths need no encoding. */
const PLAIN_PATH = /^(?!\.{1,2}(?:\/|$))[\w.~-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*\/?$/
const CONTROL = /[\u0000-\u001f\u007f]/

function encodePath(path: string): string {
  if (PLAIN_PATH.test(path)) return path
  const segments = path.split('/')
  const last = segments.length - 1
  return segments
    .map((segment, at) => {
      if (segment === '' && at === last && at > 0) return ''
      if (segment === '' || segment === '.' || segment === '..') {
        throw new TypeError('path has an empty segment, "." or ".."')
      }
      return encode('path', segment)
    })
    .join('/')
}

/** Parameters that make a GET another operation. */
const OPERATION_PARAMETERS: ReadonlySet<string> = new Set(['list', 'scan', 'help'])

function encodeQuery(operation: Operation, query: Query): string {
  // `LIST` and `SCAN` as methods are not parsed by Node's own servers, which a proxy may be.
  let text = operation === 'list' || operation === 'scan' ? `?${operation}=true` : ''
  for (const name of Object.keys(query)) {
    if (OPERATION_PARAMETERS.has(name)) throw new TypeError(`query.${name} would turn the request into another one`)
    text += `${text === '' ? '?' : '&'}${encode('query', name)}=${encode('query', query[name] ?? '')}`
  }
  return text
}

function encode(where: string, text: string): string {
  if (!text.isWellFormed()) throw new TypeError(`${where} has a lone surrogate`)
  if (where === 'path' && CONTROL.test(text)) throw new TypeError(`${where} has a control character`)
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}
