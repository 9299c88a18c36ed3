import type { Ajv2020, ErrorObject } from 'ajv/dist/2020.js'
import policySchema from '../../schemas/policy.schema.json' with { type: 'json' }
import type { JsonObject, JsonValue } from '../model/json.ts'
import { loadPatternEngine, NO_PATTERNS, type PatternEngine } from './linear-pattern.ts'
import { Place } from './place.ts'
import { type SchemaFailure, schemaFailure } from './schema-failure.ts'
import { checkSchema, type SchemaUse, usesPatterns } from './vocabulary.ts'

/** Different schemas one engine compiles; each costs about a millisecond and some kilobytes. */
export const SCHEMAS_MAX = 2000

/** What of `data` fails the schema; `undefined` when it passes. Never throws: what cannot be judged fails. */
export type SchemaCheck = (data: unknown) => SchemaFailure | undefined

/** Says what is wrong with a whole document: where, and how. */
export type DocumentErrors = (document: JsonValue) => readonly ErrorObject[]

/** Makes checks of operators' schemas; one validator for equal schemas. */
export interface SchemaCompiler {
  readonly documentErrors: DocumentErrors
  /** @throws {PolicyLoadError} */
  check(schema: JsonObject, use: SchemaUse, place: Place): SchemaCheck
}

/** Loads ajv, and the engine for patterns if `documents` have any. */
export async function loadSchemaCompiler(documents: readonly JsonValue[]): Promise<SchemaCompiler> {
  const [{ Ajv2020 }, patterns] = await Promise.all([
    import('ajv/dist/2020.js'),
    documents.some(usesPatterns) ? loadPatternEngine() : NO_PATTERNS,
  ])
  // Ours, with native patterns that are known to be harmless; the operators' one must not see them.
  const own = new Ajv2020({ strict: true, allowUnionTypes: true, ownProperties: true, logger: false })
  const isPolicy = own.compile(policySchema)
  return {
    documentErrors: (document) => (isPolicy(document) ? [] : (isPolicy.errors ?? [])),
    check: compiler(newAjv(Ajv2020, patterns), patterns),
  }
}

function newAjv(Ajv: typeof Ajv2020, patterns: PatternEngine): Ajv2020 {
  const regExp = Object.assign((pattern: string) => patterns.compile(pattern), { code: 'linearPattern' })
  return new Ajv({
    strict: true,
    // Asks that `required` names stand in `properties` of the same schema; `{"required": ["ciphertext"]}` is plain enough.
    strictRequired: false,
    allowUnionTypes: true,
    allErrors: false,
    verbose: false,
    $data: false,
    // Without it `constructor` and `toString` count as present in every object.
    ownProperties: true,
    addUsedSchema: false,
    logger: false,
    code: { regExp },
  })
}

function compiler(ajv: Ajv2020, patterns: PatternEngine): SchemaCompiler['check'] {
  const known = new Map<string, SchemaCheck>()
  return (schema, use, place) => {
    const key = `${use === 'request' || use === 'query' ? 'closed' : use} ${JSON.stringify(schema)}`
    const before = known.get(key)
    if (before !== undefined) return before
    if (known.size >= SCHEMAS_MAX) throw place.refusal(`more than ${SCHEMAS_MAX} different schemas are loaded`)
    const { names } = checkSchema(schema, use, place, patterns.problem)
    const check = compiled(ajv, schema, names, place)
    known.set(key, check)
    return check
  }
}

function compiled(ajv: Ajv2020, schema: JsonObject, names: ReadonlySet<string>, place: Place): SchemaCheck {
  // Only objects come here, and strict mode asks that a schema says so.
  const whole = { type: 'object', ...schema }
  if (ajv.validateSchema(whole) !== true) {
    const { instancePath = '', message = 'is no JSON Schema' } = ajv.errors?.[0] ?? {}
    throw new Place(place.file, place.pointer + instancePath).refusal(`the schema is wrong: ${message}`)
  }
  const validate = generated(ajv, whole, place)
  return (data) => {
    try {
      if (validate(data)) return undefined
      return schemaFailure(validate.errors ?? [], whole, names, data)
    } catch {
      // A schema that refers to itself, on data nested deeper than the stack: not judged, so not passed.
      return { pointer: '', keyword: '$ref', hint: 'is nested too deep to be judged' }
    }
  }
}

function generated(ajv: Ajv2020, schema: JsonObject, place: Place): ReturnType<Ajv2020['compile']> {
  try {
    return ajv.compile(schema)
  } catch (cause) {
    const problem = (cause as Error).message.replace(/^strict mode: /, '')
    throw place.refusal(`the schema is wrong: ${problem}`)
  }
}
