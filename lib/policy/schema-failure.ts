import type { ErrorObject } from 'ajv/dist/2020.js'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { fragmentKeys, keysOf, pointerOf } from './place.ts'
import type { SchemaFacts } from './vocabulary.ts'

/** What of some data failed a schema. Made of the schema's words only, never of the data's. */
export interface SchemaFailure {
  /** To the part that failed, as far as the schema names it. */
  readonly pointer: string
  readonly keyword: string
  /** What would pass, e.g. `must have at most 4096 characters`. */
  readonly hint: string
}

/** The failure that `errors` of a validator for `schema` stand for. */
export function schemaFailure(
  errors: readonly ErrorObject[],
  schema: JsonObject,
  facts: SchemaFacts,
  data: unknown,
): SchemaFailure {
  // After the errors of its branches comes that of the keyword which tried them.
  const error = errors.at(-1)?.keyword === 'if' ? errors[0] : errors.at(-1)
  if (error === undefined) return { pointer: '', keyword: 'false schema', hint: 'is not allowed' }
  const pointer = knownPointer(error.instancePath, facts.names, data)
  return { pointer, keyword: error.keyword, hint: hintFor(error, schema, facts) }
}

/** `pointer` up to the first name that is the data's own: which names were sent can be the secret. */
function knownPointer(pointer: string, names: ReadonlySet<string>, data: unknown): string {
  const known: string[] = []
  let value = data
  for (const key of keysOf(pointer)) {
    if (!Array.isArray(value) && !names.has(key)) break
    known.push(key)
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  }
  return pointerOf(known)
}

type Params = Readonly<Record<string, JsonValue | undefined>>

const HINTS: Readonly<Record<string, (params: Params) => string>> = {
  type: ({ type }) => `must be of type ${[type].flat().join(' or ')}`,
  enum: ({ allowedValues }) => `must be one of ${listed(allowedValues)}`,
  const: ({ allowedValue }) => `must be ${listed([allowedValue ?? null])}`,
  minLength: ({ limit }) => `must have at least ${limit} characters`,
  maxLength: ({ limit }) => `must have at most ${limit} characters`,
  pattern: ({ pattern }) => `must match the pattern ${pattern}`,
  minimum: ({ limit }) => `must be at least ${limit}`,
  maximum: ({ limit }) => `must be at most ${limit}`,
  exclusiveMinimum: ({ limit }) => `must be above ${limit}`,
  exclusiveMaximum: ({ limit }) => `must be below ${limit}`,
  multipleOf: ({ multipleOf }) => `must be a multiple of ${multipleOf}`,
  minItems: ({ limit }) => `must have at least ${limit} items`,
  maxItems: ({ limit }) => `must have at most ${limit} items`,
  uniqueItems: () => 'must not have the same item twice',
  contains: () => 'must contain an item that the schema names',
  minProperties: ({ limit }) => `must have at least ${limit} properties`,
  maxProperties: ({ limit }) => `must have at most ${limit} properties`,
  required: ({ missingProperty }) => `must have the property ${JSON.stringify(missingProperty)}`,
  dependentRequired: ({ missingProperty }) => `must have the property ${JSON.stringify(missingProperty)} too`,
  propertyNames: () => 'must have no property names but those that the schema allows',
  unevaluatedProperties: () => 'must have no properties but those that the schema names',
  unevaluatedItems: () => 'must have no items but those that the schema names',
  anyOf: () => 'must pass one of the schemas of "anyOf"',
  oneOf: () => 'must pass exactly one of the schemas of "oneOf"',
  not: () => 'must not be what the schema excludes',
}

function hintFor(error: ErrorObject, schema: JsonObject, { hasReference }: SchemaFacts): string {
  // Beneath a reference the path starts at what is referred to, which it does not name.
  if (error.keyword === 'additionalProperties') return onlyThese(hasReference ? '' : error.schemaPath, schema)
  const hint = Object.hasOwn(HINTS, error.keyword) ? HINTS[error.keyword] : undefined
  return cut(hint === undefined ? 'is not allowed by the schema' : hint(error.params))
}

function onlyThese(schemaPath: string, schema: JsonObject): string {
  let at: JsonValue | undefined = schema
  for (const key of fragmentKeys(schemaPath).slice(0, -1)) {
    at = typeof at === 'object' && at !== null ? (at as JsonObject)[key] : undefined
  }
  const named = schemaPath !== '' && isJsonObject(at) && isJsonObject(at.properties) ? Object.keys(at.properties) : []
  if (named.length === 0) return 'must have no properties that the schema does not name'
  return cut(`must have no properties but ${listed(named)}`)
}

function listed(values: JsonValue | undefined): string {
  return (Array.isArray(values) ? values : [])
    .slice(0, 20)
    .map((value) => JSON.stringify(value))
    .join(', ')
}

function cut(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
