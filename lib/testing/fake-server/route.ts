import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Call, FakeMount, FakeOperation } from './backend.ts'
import { type FakeRequest, Refusal } from './exchange.ts'
import type { State } from './state.ts'
import type { FakeToken } from './tokens.ts'

/** Where a request goes. */
export interface Place {
  readonly namespace: string
  /** In its namespace. */
  readonly path: string
  readonly mount: FakeMount | undefined
  /** What follows the mount. */
  readonly rest: string
}

/** Finds namespace and mount. @throws {Refusal} 404 for a namespace that is not there. */
export function routed(state: State, { headers, path: asked }: FakeRequest): Place {
  const header = (headers['x-vault-namespace'] ?? '').replace(/^\/+|\/+$/g, '')
  if (!state.namespaces.has(header)) throw new Refusal(404, 'namespace not found')
  const name = innermost(state, header, asked)
  const inPath = header === '' ? name : name.slice(header.length + 1)
  const path = inPath === '' ? asked : asked.slice(inPath.length + 1)
  const namespace = state.namespaces.get(name)
  const mount = namespace === undefined ? undefined : state.mountOf(namespace, path)
  return { namespace: name, path, mount, rest: mount === undefined ? path : path.slice(mount.path.length) }
}

/** A path may begin with the names of child namespaces. */
function innermost(state: State, outer: string, path: string): string {
  let found = outer
  for (const name of state.namespaces.keys()) {
    const isInner = outer === '' || name.startsWith(`${outer}/`)
    const inner = outer === '' ? name : name.slice(outer.length + 1)
    if (isInner && inner !== '' && path.startsWith(`${inner}/`) && name.length > found.length) found = name
  }
  return found
}

/** The request in the words of backends. @throws {Refusal} 400 for a body that is no JSON object, 405 for a method. */
export function callOf(request: FakeRequest, place: Place, token: FakeToken | undefined): Call {
  const operation = operationOf(request)
  const isWrite = operation === 'write' || operation === 'patch'
  if (operation === 'patch' && request.headers['content-type'] !== 'application/merge-patch+json')
    throw new Refusal(415, 'PATCH requires Content-Type of application/merge-patch+json')
  const data = isWrite ? parseBody(request.body) : { ...request.query }
  const { namespace, path, rest } = place
  return { request, operation, namespace, path, rest, data, token }
}

function operationOf({ method, query }: FakeRequest): FakeOperation {
  if (method === 'GET' && isTrue(query.list)) return 'list'
  if (method === 'GET' && isTrue(query.scan)) return 'scan'
  const operation = OPERATIONS[method]
  if (operation === undefined) throw new Refusal(405, 'unsupported operation')
  return operation
}

const OPERATIONS: Readonly<Record<string, FakeOperation>> = {
  GET: 'read',
  LIST: 'list',
  SCAN: 'scan',
  POST: 'write',
  PUT: 'write',
  PATCH: 'patch',
  DELETE: 'delete',
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)
}

/** The JSON object in `text`; empty for none. @throws {Refusal} 400 for anything else. */
function parseBody(text: string | undefined): JsonObject {
  if (text === undefined || text === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Refusal(400, 'failed to parse JSON input')
  }
  if (!isJsonObject(value)) throw new Refusal(400, 'failed to parse JSON input')
  return value
}
