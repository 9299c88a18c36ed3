import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { suggestion } from './nearest.ts'
import type { Place } from './place.ts'
import { KEYWORDS } from './schema/keywords.ts'
import { partsOf } from './schema/parts.ts'
import { checkWork } from './schema/work.ts'

/** Deepest nesting of one schema, in levels of JSON. */
export const SCHEMA_MAX_DEPTH = 32
/** Largest schema, in UTF-16 units of its JSON. */
export const SCHEMA_MAX_LENGTH: number = 64 * 1024
/** Most items that `uniqueItems` may have to compare, each with each. */
const UNIQUE_ITEMS_MAX = 1000
const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** Does the engine of regular expressions take this pattern? `undefined`, or why not. */
export type PatternProblem = (pattern: string) => string | undefined

/** Keywords that a schema in a policy can have. */
export const SCHEMA_KEYWORDS: readonly string[] = Object.freeze([...KEYWORDS.keys()])

const REFUSED: ReadonlyMap<string, string> = new Map([
  ['format', 'formats are not supported; use "pattern"'],
  ['$data', 'values of the request must not become part of the schema'],
  ['$id', 'a policy schema has no name of its own; use "$defs" and "$ref": "#/$defs/…"'],
  ['$anchor', 'use "$ref": "#/$defs/…"'],
  ['$dynamicRef', 'use "$ref": "#/$defs/…"'],
  ['$dynamicAnchor', 'use "$ref": "#/$defs/…"'],
  ['$vocabulary', 'it has no meaning here'],
  ['definitions', 'use "$defs"'],
  ['dependencies', 'use "dependentRequired" or "dependentSchemas"'],
])

/** Keywords that hold for whoever lacks the property they speak of. */
const VACUOUS: readonly string[] = ['patternProperties', 'dependentSchemas', 'dependentRequired', 'propertyNames', 'if']

/** What a walk over one schema found. */
export interface SchemaFacts {
  /** Names of properties that the schema itself says; all others belong to who sent the data. */
  readonly names: ReadonlySet<string>
  /** Refers to parts of itself. */
  readonly hasReference: boolean
}

/** What is asked of a schema beyond being one. */
export type SchemaUse = 'subject' | 'request' | 'query' | 'response'

/** Does `schema` use regular expressions anywhere? The engine for them is loaded only then. */
export function usesPatterns(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.some(usesPatterns)
  if (!isJsonObject(value)) return false
  return Object.entries(value).some(
    ([name, member]) => name === 'pattern' || name === 'patternProperties' || usesPatterns(member),
  )
}

/**
 * Checks an operator's schema before a validator is generated from it: every keyword is known, no
 * reference leaves the schema, sizes and work are bounded, patterns run in linear time.
 *
 * @throws {PolicyLoadError}
 */
export function checkSchema(schema: JsonObject, use: SchemaUse, place: Place, problem: PatternProblem): SchemaFacts {
  if (JSON.stringify(schema).length > SCHEMA_MAX_LENGTH) throw place.refusal('the schema is larger than 64 KiB')
  checkDepth(schema, place, 1)
  checkTop(schema, use, place)
  const walk = new Walk(use, problem)
  walk.schema(schema, place)
  checkWork(partsOf(schema, place))
  return walk
}

function checkDepth(value: JsonValue, place: Place, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > SCHEMA_MAX_DEPTH) throw place.refusal(`the schema is nested deeper than ${SCHEMA_MAX_DEPTH} levels`)
  for (const [name, member] of Object.entries(value)) checkDepth(member, place.at(name), depth + 1)
}

function checkTop(schema: JsonObject, use: SchemaUse, place: Place): void {
  if (schema.type !== undefined && schema.type !== 'object') {
    throw place.at('type').refusal('must be "object", since an object is what it is applied to')
  }
  if (use === 'subject') checkSubject(schema, place)
  if (use === 'request' || use === 'query') checkClosed(schema, place)
}

/** What is judged must say what becomes of the properties it does not name. */
function checkClosed(schema: JsonObject, place: Place): void {
  const isClosed = Object.hasOwn(schema, 'additionalProperties') || Object.hasOwn(schema, 'unevaluatedProperties')
  if (!isClosed) {
    throw place.refusal('must state "additionalProperties" (false refuses what the schema does not name)')
  }
  const declared = isJsonObject(schema.properties) ? schema.properties : {}
  if (schema.additionalProperties !== false || schema.patternProperties !== undefined) return
  for (const name of Array.isArray(schema.required) ? schema.required : []) {
    if (typeof name === 'string' && !Object.hasOwn(declared, name)) {
      const hint = suggestion(name, Object.keys(declared))
      throw place.at('required').refusal(`requires ${JSON.stringify(name)}, which "properties" does not name${hint}`)
    }
  }
}

/** A schema that says nothing binds everyone; to bind everyone, `subject` is left out. */
function checkSubject(schema: JsonObject, place: Place): void {
  const binding = ['required', 'allOf', 'anyOf', 'oneOf', 'not', '$ref', 'minProperties']
  if (!binding.some((name) => Object.hasOwn(schema, name))) {
    throw place.refusal('says nothing that a caller must have; leave "subject" out to bind every caller')
  }
}

class Walk implements SchemaFacts {
  readonly names = new Set<string>()
  hasReference = false
  readonly #use: SchemaUse
  readonly #problem: PatternProblem

  constructor(use: SchemaUse, problem: PatternProblem) {
    this.#use = use
    this.#problem = problem
  }

  schema(schema: JsonValue, place: Place): void {
    if (typeof schema === 'boolean') return
    if (!isJsonObject(schema)) throw place.refusal('must be a schema: an object, true or false')
    for (const [keyword, value] of Object.entries(schema)) this.#keyword(keyword, value, place)
    this.#reference(schema, place)
    this.#contained(schema, place)
    this.#patterns(schema, place)
    this.#unique(schema, place)
    this.#required(schema, place)
  }

  #keyword(keyword: string, value: JsonValue, place: Place): void {
    const here = place.at(keyword)
    const refusal = REFUSED.get(keyword)
    if (refusal !== undefined) throw here.refusal(`${JSON.stringify(keyword)} is not allowed: ${refusal}`)
    const holds = KEYWORDS.get(keyword)
    if (holds === undefined) {
      throw here.refusal(`unknown keyword ${JSON.stringify(keyword)}${suggestion(keyword, [...KEYWORDS.keys()])}`)
    }
    if (this.#use === 'subject' && VACUOUS.includes(keyword)) {
      throw here.refusal(
        `"${keyword}" would bind every caller that lacks the attribute; use "properties" and "required"`,
      )
    }
    if (holds === 'data') this.#data(value, here)
    else if (holds === 'schema') this.schema(value, here)
    else this.#schemas(keyword, value, here, holds)
  }

  #schemas(keyword: string, value: JsonValue, here: Place, holds: 'list' | 'map'): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value) !== (holds === 'list')) {
      throw here.refusal(holds === 'list' ? 'must be a list of schemas' : 'must be an object of schemas')
    }
    for (const [name, member] of Object.entries(value)) {
      if (keyword === 'properties') this.names.add(name)
      this.schema(member, here.at(name))
    }
  }

  /** `{"maximum": {"$data": "…"}}`: refused by name, since the validator's own words for it help nobody. */
  #data(value: JsonValue, place: Place): void {
    if (isJsonObject(value) && Object.hasOwn(value, '$data')) {
      throw place.at('$data').refusal(`"$data" is not allowed: ${REFUSED.get('$data')}`)
    }
  }

  #reference(schema: JsonObject, place: Place): void {
    if (schema.$schema !== undefined && schema.$schema !== DIALECT) {
      throw place.at('$schema').refusal(`must be ${JSON.stringify(DIALECT)}, the only dialect read`)
    }
    const { $ref } = schema
    this.hasReference ||= $ref !== undefined
    if ($ref === undefined || (typeof $ref === 'string' && /^#\/./.test($ref))) return
    throw place.at('$ref').refusal('must start with "#/" and name a part: a schema cannot refer to what is outside it')
  }

  /** ajv 8.20 takes an empty list for one that contains what `contains` asks, where `prefixItems` stands beside it. */
  #contained({ contains, prefixItems }: JsonObject, place: Place): void {
    if (contains === undefined || prefixItems === undefined) return
    throw place
      .at('contains')
      .refusal('must not stand beside "prefixItems", where an empty list would pass; use "allOf"')
  }

  #patterns(schema: JsonObject, place: Place): void {
    const asked = isJsonObject(schema.patternProperties) ? Object.keys(schema.patternProperties) : []
    for (const pattern of asked) this.#pattern(pattern, place.at('patternProperties', pattern))
    if (typeof schema.pattern === 'string') this.#pattern(schema.pattern, place.at('pattern'))
  }

  #pattern(pattern: string, place: Place): void {
    const problem = this.#problem(pattern)
    if (problem !== undefined) throw place.refusal(`the pattern cannot be used: ${problem}`)
  }

  #unique({ uniqueItems, maxItems }: JsonObject, place: Place): void {
    if (uniqueItems !== true || (typeof maxItems === 'number' && maxItems <= UNIQUE_ITEMS_MAX)) return
    throw place
      .at('uniqueItems')
      .refusal(`needs "maxItems" of at most ${UNIQUE_ITEMS_MAX} beside it: each item is compared with each`)
  }

  #required(schema: JsonObject, place: Place): void {
    const required = Array.isArray(schema.required) ? schema.required : []
    for (const name of required) if (typeof name === 'string') this.names.add(name)
    if (this.#use !== 'subject' || !isJsonObject(schema.properties)) return
    for (const name of Object.keys(schema.properties)) {
      if (required.includes(name)) continue
      const why = `must be listed in "required", else the policy binds every caller without ${JSON.stringify(name)}`
      throw place.at('properties', name).refusal(why)
    }
  }
}
