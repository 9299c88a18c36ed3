import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Operation } from '../../model/operation.ts'
import { Place } from '../place.ts'

/** One operation of an endpoint. */
export interface EndpointOperation {
  /** OpenAPI schema of what is sent, references resolved; `undefined` where nothing is said of it. */
  readonly request: JsonObject | undefined
  /** Of what is answered, as `data`. */
  readonly answer: JsonObject | undefined
  readonly summary: string | undefined
}

/** What a server offers at the paths of one pattern. */
export interface Endpoint {
  /** In the syntax of policies. */
  readonly pattern: string
  readonly id: string
  readonly needsSudo: boolean
  readonly operations: ReadonlyMap<Operation, EndpointOperation>
}

/** Parameters that stand for all that is left of a path, as servers name them; others are one segment. */
const REST: readonly string[] = ['path', 'prefix']

const METHODS: readonly (readonly [method: string, operation: Operation])[] = [
  ['get', 'read'],
  ['post', 'write'],
  ['patch', 'patch'],
  ['delete', 'delete'],
]

/**
 * The endpoints below `mounts` in an OpenAPI document of a server (`sys/internal/specs/openapi`).
 *
 * @param mounts - Paths such as `kv/`.
 * @throws {PolicyLoadError} it is no such document, or a mount is not in it.
 */
export function readEndpoints(document: JsonValue, mounts: readonly string[], file: string): readonly Endpoint[] {
  const place = new Place(file)
  const paths = isJsonObject(document) ? document.paths : undefined
  if (!isJsonObject(document) || !isJsonObject(paths) || typeof document.openapi !== 'string') {
    throw place.refusal('is no OpenAPI document: ask a server for sys/internal/specs/openapi')
  }
  const found = new Map<string, Endpoint>()
  for (const mount of mounts) {
    const prefix = `/${mount.replace(/^\/|\/$/g, '')}/`
    const below = Object.entries(paths).filter(([path]) => path.startsWith(prefix))
    if (below.length === 0)
      throw place.at('paths').refusal(`there is nothing below ${prefix}; mounts are ${mountsIn(paths)}`)
    for (const [path, item] of below) {
      if (isJsonObject(item)) add(found, endpointOf(path, item, document))
    }
  }
  return [...found.values()].filter(({ operations }) => operations.size > 0)
}

/** Two paths can differ in the names of their parameters alone. */
function add(found: Map<string, Endpoint>, endpoint: Endpoint): void {
  const before = found.get(endpoint.pattern)
  const operations = new Map([...endpoint.operations, ...(before?.operations ?? [])])
  found.set(endpoint.pattern, { ...(before ?? endpoint), operations })
}

function endpointOf(path: string, item: JsonObject, document: JsonObject): Endpoint {
  const operations = new Map<Operation, EndpointOperation>()
  let id = ''
  for (const [method, name] of METHODS) {
    const source = item[method]
    if (!isJsonObject(source)) continue
    id ||= typeof source.operationId === 'string' ? source.operationId : ''
    const operation = operationOf(source, document)
    const listing = listingOf(source)
    for (const each of listing.operations) operations.set(each, operation)
    if (!listing.isAll) operations.set(name, operation)
  }
  return { pattern: patternOf(path), id, needsSudo: item['x-vault-sudo'] === true, operations }
}

/** A GET that lists is one with the parameter `list`; where that is required, it does nothing else. */
function listingOf({ parameters }: JsonObject): { readonly operations: readonly Operation[]; readonly isAll: boolean } {
  const given = (Array.isArray(parameters) ? parameters : []).filter(isJsonObject)
  const asked = given.filter(({ name }) => name === 'list' || name === 'scan')
  return {
    operations: asked.map(({ name }) => name as Operation),
    isAll: asked.some(({ required }) => required === true),
  }
}

function operationOf(source: JsonObject, document: JsonObject): EndpointOperation {
  const responses = isJsonObject(source.responses) ? source.responses : {}
  return {
    request: schemaIn(source.requestBody, document),
    answer: schemaIn(responses['200'], document),
    summary: typeof source.summary === 'string' ? source.summary : undefined,
  }
}

function schemaIn(holder: JsonValue | undefined, document: JsonObject): JsonObject | undefined {
  const schema = at(holder, 'content', 'application/json', 'schema')
  const reference = at(schema, '$ref')
  const named = typeof reference === 'string' ? at(document, ...reference.replace(/^#\//, '').split('/')) : schema
  return isJsonObject(named) ? named : undefined
}

function at(value: JsonValue | undefined, ...names: readonly string[]): JsonValue | undefined {
  let here = value
  for (const name of names) here = isJsonObject(here) && Object.hasOwn(here, name) ? here[name] : undefined
  return here
}

function patternOf(path: string): string {
  const segments = path.slice(1).split('/')
  return segments
    .map((segment, index) => {
      const name = /^\{(.+)\}$/.exec(segment)?.[1]
      if (name === undefined) return segment.replace(/\{.+$/, '*')
      return index === segments.length - 1 && REST.includes(name) ? '*' : '+'
    })
    .join('/')
}

function mountsIn(paths: JsonObject): string {
  const firsts = Object.keys(paths).map((path) => path.replace(/^\/(auth\/)?([^/]+)\/.*$/, '$1$2/'))
  return [...new Set(firsts)].slice(0, 20).join(', ')
}
