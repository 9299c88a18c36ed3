import { Buffer, isUtf8 } from 'node:buffer'
import type { Operation } from 'portcullis'
import { STAND_INS } from '../front/framing.ts'
import { Refused } from './refused.ts'

/** What a request line asks for. */
export interface Target {
  readonly operation: Operation
  /** Decoded once; the gateway encodes it once. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** A `HEAD` request: the answer to a read, without its body. */
  readonly isHead: boolean
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  GET: 'read',
  POST: 'write',
  PUT: 'write',
  PATCH: 'patch',
  DELETE: 'delete',
  [STAND_INS.get('LIST') ?? '']: 'list',
  [STAND_INS.get('SCAN') ?? '']: 'scan',
}

/**
 * Reads verb and target. What a server, a proxy or a log could read as another path is refused, not mended.
 *
 * @throws {Refused} 400 for such a target, 404 outside `/v1/`, 405 for other verbs.
 */
export function readTarget(method: string, url: string): Target {
  const isHead = method === 'HEAD'
  const asked = OPERATIONS[isHead ? 'GET' : method]
  if (asked === undefined) throw new Refused(405, 'unsupported method')
  if (!/^[\x21-\x7e]*$/.test(url)) throw new Refused(400, 'the target has bytes that must be percent-encoded')
  if (/[\\#]/.test(url)) throw new Refused(400, 'the target has a raw "\\" or "#"; percent-encode it')
  const mark = url.indexOf('?')
  const rawPath = mark === -1 ? url : url.slice(0, mark)
  if (!rawPath.startsWith('/')) throw new Refused(400, 'the target must be a path')
  if (!rawPath.startsWith('/v1/')) throw new Refused(404, 'only paths below /v1/ are served')
  const path = decoded(rawPath.slice('/v1/'.length))
  if (path.split('/').some(isDotsTwiceEncoded)) throw new Refused(400, 'the path has a dot segment, encoded twice')
  const { operation, query } = readQuery(mark === -1 ? '' : url.slice(mark + 1), asked)
  return { operation, path, query, isHead }
}

/** @throws {Refused} for what is no percent-encoded UTF-8. */
function decoded(text: string, isForm = false): string {
  const plain = isForm ? text.replaceAll('+', ' ') : text
  if (!plain.includes('%')) return plain
  if (/%(?![0-9a-fA-F]{2})/.test(plain)) throw new Refused(400, 'the target has a "%" that begins no encoded byte')
  const bytes = Buffer.from(
    plain.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  if (!isUtf8(bytes)) throw new Refused(400, 'the target is not UTF-8')
  const found = bytes.toString('utf8')
  if (found.includes('\0')) throw new Refused(400, 'the target has a NUL')
  return found
}

function isDotsTwiceEncoded(segment: string): boolean {
  if (!segment.includes('%')) return false
  let inner = segment
  for (let times = 0; times < 8 && inner.includes('%'); times += 1) inner = inner.replace(/%(25|2e)/gi, onceDecoded)
  return inner === '.' || inner === '..'
}

function onceDecoded(_: string, hex: string): string {
  return hex === '25' ? '%' : '.'
}

/** As Go reads a truth value. */
const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False', ''].map((text) => [text, false] as const),
])

function readQuery(text: string, asked: Operation): Pick<Target, 'operation' | 'query'> {
  const query: Record<string, string> = Object.create(null)
  for (const pair of text.split('&')) {
    if (pair === '') continue
    if (pair.includes(';')) throw new Refused(400, 'the query has a ";"')
    const mark = pair.indexOf('=')
    const name = decoded(mark === -1 ? pair : pair.slice(0, mark), true)
    if (Object.hasOwn(query, name)) throw new Refused(400, 'the query names a parameter twice')
    query[name] = mark === -1 ? '' : decoded(pair.slice(mark + 1), true)
  }
  const { list, scan, help, ...rest } = query
  if (help !== undefined && truth(help)) throw new Refused(400, 'help is not served by the sidecar')
  const isList = list !== undefined && truth(list)
  const isScan = scan !== undefined && truth(scan)
  if (!isList && !isScan) return { operation: asked, query: rest }
  const wanted = isList ? 'list' : 'scan'
  if ((isList && isScan) || (asked !== 'read' && asked !== wanted))
    throw new Refused(400, `the parameter ${wanted} contradicts the rest of the request`)
  return { operation: wanted, query: rest }
}

function truth(text: string): boolean {
  const value = TRUTH.get(text)
  if (value === undefined) throw new Refused(400, 'list, scan and help take true or false')
  return value
}
