import { booleanOption, checkNames, stringOption, typed } from './check.ts'

/**
 * Fields that entries leave in clear, on the paths of a pattern. As a mount's `audit_non_hmac_request_keys` and
 * `audit_non_hmac_response_keys` at a server, but by path, and only fields at the top of the data, or of its object `data`.
 */
export interface ClearFields {
  /** A pattern, by the syntax of policies: `+` for a segment, `*` at the end for any rest. */
  readonly path: string
  /** Where it applies. Default: the configured namespace. */
  readonly namespace?: string
  /** Names of fields of what is sent: of the body, and of the query. */
  readonly request?: readonly string[]
  /** Names of fields of what is answered. */
  readonly response?: readonly string[]
}

/** What entries tell, checked and complete. */
export interface AuditContentConfig {
  readonly shape: boolean
  readonly clear: readonly ClearFields[]
  readonly elideLists: boolean
  readonly hashPaths: readonly string[]
}

/** @throws {TypeError} naming the option. */
export function resolveAuditContent(options: {
  readonly shape?: unknown
  readonly clear?: unknown
  readonly elideLists?: unknown
  readonly hashPaths?: unknown
}): AuditContentConfig {
  return Object.freeze({
    shape: booleanOption('audit.shape', options.shape, false),
    clear: Object.freeze(listed('audit.clear', options.clear).map(clearFields)),
    elideLists: booleanOption('audit.elideLists', options.elideLists, false),
    hashPaths: texts('audit.hashPaths', options.hashPaths),
  })
}

function clearFields(given: unknown, at: number): ClearFields {
  const name = `audit.clear[${at}]`
  checkNames(name, given, ['path', 'namespace', 'request', 'response'])
  const { path, namespace, request, response } = given as ClearFields
  if (namespace !== undefined && typeof namespace !== 'string')
    throw new TypeError(`${name}.namespace must be a string, got ${typed(namespace)}`)
  return Object.freeze({
    path: stringOption(`${name}.path`, path ?? null, ''),
    ...(namespace === undefined ? {} : { namespace: namespace.replace(/^\/+|\/+$/g, '') }),
    request: texts(`${name}.request`, request),
    response: texts(`${name}.response`, response),
  })
}

function listed(name: string, value: unknown): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list, got ${typed(value)}`)
  return value
}

function texts(name: string, value: unknown): readonly string[] {
  return Object.freeze(listed(name, value).map((text, at) => stringOption(`${name}[${at}]`, text ?? null, '')))
}
