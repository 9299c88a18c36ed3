import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { keysOf, type Place, pointerOf } from '../place.ts'
import { KEYWORDS } from './keywords.ts'

/** Most schemas within one schema, itself among them. */
const PARTS_MAX = 1000
/** Most schemas in one list or map of branches: code that weighs them against each other grows with their square. */
const BRANCHES_MAX = 250

/** A schema within a schema, and those that judge what it judges, or a part of that. */
export interface Part {
  readonly place: Place
  /** Of the same value. */
  readonly same: Part[]
  /** Of the property of a name. */
  readonly named: Map<string, Part>
  /** Of properties that `named` has not. */
  readonly unnamed: Part[]
  /** Of properties whose names meet a pattern; it could be any. */
  readonly matched: Part[]
  /** Of the names. */
  readonly names: Part[]
  /** Of the items, each at its place. */
  readonly placed: Part[]
  /** Of items beyond these. */
  readonly rest: Part[]
  /** Of any item. */
  readonly contained: Part[]
}

/** Which list of a part the schema, or schemas, of a keyword belong to. Without `$defs`: what nobody refers to judges nothing. */
const LISTS: ReadonlyMap<string, Exclude<keyof Part, 'place' | 'named'>> = new Map([
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'].map(
    (name) => [name, 'same'] as const,
  ),
  ['additionalProperties', 'unnamed'],
  ['unevaluatedProperties', 'unnamed'],
  ['patternProperties', 'matched'],
  ['propertyNames', 'names'],
  ['prefixItems', 'placed'],
  ['items', 'rest'],
  ['unevaluatedItems', 'rest'],
  ['contains', 'contained'],
])

/**
 * A schema as its parts, references resolved.
 *
 * @param schema - Known to have keywords that are known, and schemas where these hold some.
 * @throws {PolicyLoadError} there are too many; or a reference names none of them: nothing, or data, which would then be
 *   taken for a schema that nobody has checked.
 */
export function partsOf(schema: JsonObject, place: Place): Part {
  const reader = new Reader(schema, place)
  const root = reader.read(schema, [])
  reader.resolve()
  return root
}

class Reader {
  readonly #schema: JsonObject
  readonly #root: Place
  /** By JSON pointer within the schema. */
  readonly #parts = new Map<string, Part>()
  readonly #references: (readonly [part: Part, reference: string])[] = []

  constructor(schema: JsonObject, root: Place) {
    this.#schema = schema
    this.#root = root
  }

  read(schema: JsonValue, keys: readonly string[]): Part {
    const part = newPart(this.#root.at(...keys))
    this.#parts.set(pointerOf(keys), part)
    if (this.#parts.size > PARTS_MAX) throw this.#root.refusal(`the schema has more than ${PARTS_MAX} parts`)
    if (!isJsonObject(schema)) return part
    for (const [keyword, value] of Object.entries(schema)) this.#keyword(part, keyword, value, keys)
    if (typeof schema.$ref === 'string') this.#references.push([part, schema.$ref])
    return part
  }

  resolve(): void {
    for (const [part, reference] of this.#references) part.same.push(this.#named(part, reference))
  }

  #keyword(part: Part, keyword: string, value: JsonValue, keys: readonly string[]): void {
    const holds = KEYWORDS.get(keyword)
    if (holds === undefined || holds === 'data') return
    const list = LISTS.get(keyword)
    const branches = holds === 'schema' ? [[undefined, value] as const] : Object.entries(value ?? {})
    if (list === 'same' && branches.length > BRANCHES_MAX) {
      throw part.place.at(keyword).refusal(`has more than ${BRANCHES_MAX} schemas`)
    }
    for (const [name, branch] of branches) {
      const below = this.read(branch, name === undefined ? [...keys, keyword] : [...keys, keyword, name])
      if (keyword === 'properties') part.named.set(name ?? '', below)
      else if (list !== undefined) part[list].push(below)
    }
  }

  #named(from: Part, reference: string): Part {
    if (reference.includes('%')) throw from.place.at('$ref').refusal('must be written without percent-encoding')
    const keys = keysOf(reference)
    const part = this.#parts.get(pointerOf(keys))
    if (part !== undefined) return part
    if (valueAt(this.#schema, keys) === undefined) {
      throw this.#root.refusal(`the schema is wrong: can't resolve reference ${reference} from id #`)
    }
    throw from.place.at('$ref').refusal('names data, not a schema; put the schema below "$defs"')
  }
}

function valueAt(schema: JsonValue, keys: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = schema
  for (const key of keys) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined
  }
  return value
}

function newPart(place: Place): Part {
  const empty = (): Part[] => []
  return {
    ...{ place, same: empty(), named: new Map(), unnamed: empty(), matched: empty(), names: empty() },
    ...{ placed: empty(), rest: empty(), contained: empty() },
  }
}
