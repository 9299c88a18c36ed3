import type { Ajv2020, ErrorObject, Options, ValidateFunction } from 'ajv/dist/2020.js'
import type { JsonObject, JsonValue } from '../model/json.ts'
import { beginPatterns, loadPatternEngine, NO_PATTERNS, type PatternEngine, TooMuchText } from './linear-pattern.ts'
import { Place } from './place.ts'
import { replaceKeywords } from './schema/ajv-keywords.ts'
import { type SchemaFailure, schemaFailure } from './schema-failure.ts'
import { STRUCTURE_SCHEMA } from './structure.ts'
import { checkSchema, type SchemaFacts, type SchemaUse, usesPatterns } from './vocabulary.ts'

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
  const [{ newAjv, own, isPolicy }, patterns] = await Promise.all([
    validators(),
    documents.some(usesPatterns) ? loadPatternEngine() : NO_PATTERNS,
  ])
  return {
    documentErrors: (document) => (isPolicy(document) ? [] : (isPolicy.errors ?? [])),
    check: compiler(own, newAjv(patterns), patterns),
  }
}

/** An instance of ajv that keeps the source of what it generates, and what it generated. */
export interface GeneratedSource {
  readonly ajv: Ajv2020
  readonly validate: ValidateFunction
}

/** Generates validators whose source can be written out, each by an instance of its own: what they share would be lost. */
export async function loadSourceCompiler(
  documents: readonly JsonValue[],
): Promise<(schema: JsonObject) => GeneratedSource> {
  const [{ newAjv }, patterns] = await Promise.all([
    validators(),
    documents.some(usesPatterns) ? loadPatternEngine() : NO_PATTERNS,
  ])
  return (schema) => {
    const ajv = newAjv(patterns, true)
    return { ajv, validate: ajv.compile(wholeOf(schema)) }
  }
}

interface Validators {
  /** Makes an instance for operators' schemas. */
  readonly newAjv: (patterns: PatternEngine, source?: boolean) => Ajv2020
  /** For the policy schema and the dialect's own, whose native patterns are known to be harmless. */
  readonly own: Ajv2020
  readonly isPolicy: ValidateFunction
}

let loaded: Promise<Validators> | undefined

/** ajv and what it makes of our own schema: 100 ms and more, so at first need and once. */
function validators(): Promise<Validators> {
  loaded ??= import('ajv/dist/2020.js').then(({ Ajv2020: Ajv, _, Name }) => {
    // Its errors hold parts of the operator's document, and our words for them only names of keys.
    const own = new Ajv({ strict: true, allowUnionTypes: true, ownProperties: true, verbose: true, logger: false })
    const newAjv: Validators['newAjv'] = (patterns, source = false) => {
      const ajv = new Ajv(optionsFor(patterns, source))
      replaceKeywords(ajv, { _, Name })
      return ajv
    }
    return { newAjv, own, isPolicy: own.compile(STRUCTURE_SCHEMA) }
  })
  return loaded
}

function optionsFor(patterns: PatternEngine, source: boolean): Options {
  const regExp = Object.assign((pattern: string) => patterns.compile(pattern), { code: 'linearPattern' })
  return {
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
    // A part that is referred to a thousand times would be generated as often.
    inlineRefs: false,
    // Done beforehand, by the instance with native patterns: the dialect's own schema has some.
    validateSchema: false,
    logger: false,
    code: { regExp, source },
  }
}

function compiler(own: Ajv2020, ajv: Ajv2020, patterns: PatternEngine): SchemaCompiler['check'] {
  const known = new Map<string, SchemaCheck>()
  return (schema, use, place) => {
    const key = `${use === 'request' || use === 'query' ? 'closed' : use} ${JSON.stringify(schema)}`
    const before = known.get(key)
    if (before !== undefined) return before
    if (known.size >= SCHEMAS_MAX) throw place.refusal(`more than ${SCHEMAS_MAX} different schemas are loaded`)
    const facts = checkSchema(schema, use, place, patterns.problem)
    const whole = wholeSchema(own, schema, place)
    const check = checkWith(generated(ajv, whole, place), whole, facts)
    known.set(key, check)
    return check
  }
}

/** `schema`, which is one, with the type that strict mode asks for: only objects come here. */
function wholeSchema(own: Ajv2020, schema: JsonObject, place: Place): JsonObject {
  const whole = wholeOf(schema)
  if (own.validateSchema(whole) === true) return whole
  const { instancePath = '', message = 'is no JSON Schema' } = own.errors?.[0] ?? {}
  throw new Place(place.file, place.pointer + instancePath).refusal(`the schema is wrong: ${message}`)
}

function wholeOf(schema: JsonObject): JsonObject {
  return { type: 'object', ...schema }
}

/** What ajv generates, as far as it is used. */
interface Validate {
  (data: unknown): boolean
  errors?: readonly ErrorObject[] | null
}

const TOO_MUCH_TEXT: SchemaFailure = {
  pointer: '',
  keyword: 'pattern',
  hint: 'has more text than can be compared with the patterns in time',
}

/** The check that a validator for `schema` stands for. */
export function checkWith(validate: Validate, schema: JsonObject, facts: SchemaFacts): SchemaCheck {
  return (data) => {
    try {
      beginPatterns()
      if (validate(data)) return undefined
      return schemaFailure(validate.errors ?? [], schema, facts, data)
    } catch (error) {
      if (error instanceof TooMuchText) return TOO_MUCH_TEXT
      // A schema that refers to itself, on data nested deeper than the stack: not judged, so not passed.
      return { pointer: '', keyword: '$ref', hint: 'is nested too deep to be judged' }
    }
  }
}

function generated(ajv: Ajv2020, schema: JsonObject, place: Place): ValidateFunction {
  try {
    return ajv.compile(schema)
  } catch (cause) {
    const problem = (cause as Error).message.replace(/^strict mode: /, '')
    throw place.refusal(`the schema is wrong: ${problem}`)
  }
}
