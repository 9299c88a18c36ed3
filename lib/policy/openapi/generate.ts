import type { JsonObject, JsonValue } from '../../model/json.ts'
import { type Endpoint, readEndpoints } from './endpoints.ts'
import { requestSchemaOf } from './request-schema.ts'
import { typesOf } from './types.ts'

/** What of a server's OpenAPI document is wanted. */
export interface GenerateOptions {
  /** Name of the document, for messages. */
  readonly file: string
  /** Mounts, such as `kv/` or `auth/approle/`. */
  readonly mounts: readonly string[]
  /** Name of the policy. Default: made of the mounts. */
  readonly name?: string
}

/** A policy that allows what the mounts offer, and TypeScript types of it. */
export interface Generated {
  readonly policy: JsonObject
  /** Source of a module that exports the interface `Endpoints`, for `TypedGateway<Endpoints>`. */
  readonly types: string
  readonly endpoints: number
}

/**
 * Makes a policy and types of what a server says of itself (`sys/internal/specs/openapi`).
 *
 * A beginning, to be narrowed: every operation of the mounts is allowed, writes under a closed schema of their fields.
 *
 * @throws {PolicyLoadError} `ERR_PORTCULLIS_POLICY_INVALID`: no OpenAPI document, or a mount that it does not have.
 */
export function generateFromOpenApi(document: JsonValue, { file, mounts, name }: GenerateOptions): Generated {
  const endpoints = readEndpoints(document, mounts, file)
  const ids = new Set<string>()
  const rules = endpoints.flatMap((endpoint) => rulesOf(endpoint, (wanted) => unique(wanted, ids)))
  const policy = {
    policy: name ?? mounts.map((mount) => mount.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '')).join('-'),
    rules,
  }
  return { policy, types: typesOf(endpoints), endpoints: endpoints.length }
}

/** What sends data has a rule of its own, whose schema would else bind what sends none. */
function rulesOf(
  { pattern, id, needsSudo, operations }: Endpoint,
  idOf: (wanted: string) => string,
): readonly JsonObject[] {
  const plain: string[] = []
  const rules: JsonObject[] = []
  for (const [operation, { request }] of operations) {
    const isSent = operation === 'write' || operation === 'patch'
    if (!isSent || request === undefined) plain.push(operation)
    else {
      const schema = requestSchemaOf(request)
      rules.push({
        id: idOf(`${id || pattern}-${operation}`),
        path: pattern,
        operations: [operation],
        effect: 'allow',
        request: schema,
      })
    }
  }
  if (needsSudo) plain.push('sudo')
  if (plain.length === 0) return rules
  return [{ id: idOf(id || pattern), path: pattern, operations: plain, effect: 'allow' }, ...rules]
}

function unique(wanted: string, taken: Set<string>): string {
  const base =
    wanted
      .replace(/[^A-Za-z0-9_.:/-]+/g, '-')
      .replace(/^[^A-Za-z0-9_]+/, '')
      .slice(0, 100) || 'rule'
  let id = base
  for (let at = 2; taken.has(id); at += 1) id = `${base}-${at}`
  taken.add(id)
  return id
}
