import { type CodeOf, PolicyDeniedError } from '../errors/index.ts'
import { BoundedMap } from '../model/bounded-map.ts'
import type { Decision, DecisionReason } from '../model/decision.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { Operation } from '../model/operation.ts'
import { type GatewayRequest, NO_QUERY, type Query } from '../model/request.ts'
import { pathProblem } from './path.ts'

/** A call as it comes in, before anything is believed. */
export interface RawRequest {
  readonly operation: Operation
  readonly path: string
  readonly data?: unknown
  readonly query?: Readonly<Record<string, unknown>> | undefined
  readonly namespace?: string | undefined
  readonly wrapTtlMs?: number | undefined
}

/** Namespaces that a request may name. */
export interface NamespaceConfig {
  /** The default. */
  readonly namespace: string
  /** All that are allowed, the default among them; canonical. */
  readonly namespaces: readonly string[]
}

/** Puts calls into the form that is judged and sent. @throws {PolicyDeniedError} with a `PATH_`, `NAMESPACE_` or `BODY_REFUSED` code. */
export type Normalise = (raw: RawRequest) => GatewayRequest

/** Canonical requests kept at once, for the calls that are only a path. */
const MEMO_SIZE = 10_000
/** Query parameters that would turn one operation into another at the server. */
const OPERATION_PARAMETERS: ReadonlySet<string> = new Set(['list', 'scan', 'help'])
const WRAP_TTL_MAX_MS = 2 ** 31 * 1000
/** Deepest nesting of data: what recurses over it (schemas, HMACs) must not overflow. */
export const DATA_MAX_DEPTH = 64

/** A normaliser for the configured namespaces. Repeated plain calls get the identical object. */
export function createNormalise(config: NamespaceConfig): Normalise {
  const plain = new BoundedMap<GatewayRequest>(MEMO_SIZE)
  return (raw) => {
    if (typeof raw.path !== 'string') throw new TypeError('path must be a string')
    const isPlain =
      raw.data === undefined && raw.query === undefined && raw.namespace === undefined && raw.wrapTtlMs === undefined
    if (!isPlain) return normalise(raw, config)
    const memoKey = `${raw.operation} ${raw.path}`
    const known = plain.get(memoKey)
    if (known !== undefined) return known
    const request = normalise(raw, config)
    plain.set(memoKey, request)
    return request
  }
}

function normalise(raw: RawRequest, config: NamespaceConfig): GatewayRequest {
  const namespace = checkedNamespace(raw.namespace, config)
  const problem = pathProblem(raw.path) ?? childNamespaceProblem(raw.path, namespace, config.namespaces)
  if (problem !== undefined) throw refused('ERR_PORTCULLIS_PATH_REFUSED', 'path', problem)
  const body = serialised(raw.data)
  return Object.freeze({
    operation: raw.operation,
    namespace,
    path: raw.path,
    query: checkedQuery(raw.query),
    data: body === undefined ? undefined : parsed(body),
    body,
    wrapTtlMs: checkedWrapTtl(raw.wrapTtlMs),
  })
}

function checkedNamespace(asked: string | undefined, config: NamespaceConfig): string {
  if (asked === undefined) return config.namespace
  if (!config.namespaces.includes(asked)) {
    const known = config.namespaces.map((name) => name || "'' (root)").join(', ')
    throw refused(
      'ERR_PORTCULLIS_NAMESPACE_REFUSED',
      'namespace',
      `the namespace is not among those configured: ${known}`,
    )
  }
  return asked
}

/** `team-a/kv/x` in the root reaches the namespace `team-a` by another name, past the policies for it. */
function childNamespaceProblem(path: string, namespace: string, known: readonly string[]): string | undefined {
  const full = namespace === '' ? path : `${namespace}/${path}`
  const child = known.find((name) => name.length > namespace.length && (full === name || full.startsWith(`${name}/`)))
  return child === undefined
    ? undefined
    : `the path reaches into the namespace ${child}: name it as \`namespace\` instead`
}

function serialised(data: unknown): string | undefined {
  if (data === undefined) return undefined
  if (!isJsonObject(data)) throw refused('ERR_PORTCULLIS_BODY_REFUSED', 'body', 'data must be an object')
  let body: string | undefined
  try {
    body = JSON.stringify(data, faithful)
  } catch {
    // The engine's message names keys of the data; which keys there are can be the secret.
    throw refused('ERR_PORTCULLIS_BODY_REFUSED', 'body', 'data cannot be written as JSON without loss')
  }
  if (body === undefined || !body.startsWith('{')) {
    throw refused('ERR_PORTCULLIS_BODY_REFUSED', 'body', 'data does not serialise to a JSON object')
  }
  return body
}

/** Refuses what JSON would lose in silence: a Map, a Set, NaN, half a character. What was judged would not be what was meant. */
function faithful(key: string, value: unknown): unknown {
  const isLost =
    (typeof value === 'number' && !Number.isFinite(value)) ||
    (typeof value === 'string' && !value.isWellFormed()) ||
    (typeof value === 'object' && value !== null && isOpaque(value))
  if (isLost || !key.isWellFormed()) throw new TypeError('not JSON')
  return value
}

/** An object of a class whose content lies elsewhere than in properties: it would be sent as `{}`. */
function isOpaque(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  const isPlain = prototype === null || prototype === Object.prototype || Array.isArray(value)
  return !isPlain && Object.keys(value).length === 0
}

/** What is judged is parsed back from what is sent, so that getters and `toJSON` cannot show the two different things. */
function parsed(body: string): JsonObject {
  const data = JSON.parse(body) as JsonObject
  if (!isWithin(data, DATA_MAX_DEPTH)) {
    throw refused('ERR_PORTCULLIS_BODY_REFUSED', 'body', `data is nested deeper than ${DATA_MAX_DEPTH} levels`)
  }
  return data
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((member) => isWithin(member, levels - 1))
}

function checkedQuery(query: RawRequest['query']): Query {
  if (query === undefined) return NO_QUERY
  const checked: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(query)) {
    if (
      !['string', 'number', 'boolean'].includes(typeof value) ||
      !String(value).isWellFormed() ||
      !name.isWellFormed()
    ) {
      throw refused('ERR_PORTCULLIS_BODY_REFUSED', 'body', 'query values must be strings, numbers or booleans')
    }
    if (OPERATION_PARAMETERS.has(name)) {
      throw refused(
        'ERR_PORTCULLIS_BODY_REFUSED',
        'body',
        `the query parameter ${name} would change the operation; call ${name}() instead`,
      )
    }
    checked[name] = String(value)
  }
  return Object.freeze(checked)
}

function checkedWrapTtl(wrapTtlMs: number | undefined): number {
  if (wrapTtlMs === undefined) return 0
  if (!Number.isInteger(wrapTtlMs) || wrapTtlMs < 1000 || wrapTtlMs > WRAP_TTL_MAX_MS || wrapTtlMs % 1000 !== 0) {
    throw new RangeError(`wrapTtlMs must be whole seconds, from 1000 to ${WRAP_TTL_MAX_MS}, got ${wrapTtlMs}`)
  }
  return wrapTtlMs
}

function refused(code: CodeOf<'PolicyDeniedError'>, reason: DecisionReason, message: string): PolicyDeniedError {
  const decision: Decision = Object.freeze({ effect: 'deny', reason, policy: undefined, rule: undefined, message })
  return new PolicyDeniedError(code, message, { decision })
}
