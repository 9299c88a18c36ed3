import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { PatternEngine } from '../linear-pattern.ts'
import { keysOf } from '../place.ts'
import { type Recorded, UnknownText } from './unknown-text.ts'

/** `undefined`: what is recorded does not tell. */
export type Truth = boolean | undefined

/** Deeper data is not judged. */
const MAX_DEPTH = 64

/**
 * Does `value` pass `schema`? What hangs on a text that was hashed is left open; everything else is decided as ajv decides it.
 *
 * Keywords that need more than the value itself (`unevaluatedProperties`, `unevaluatedItems`) leave it open, too.
 */
export function passes(schema: JsonObject, value: Recorded, patterns: PatternEngine): Truth {
  return new Judge(schema, patterns).schema(schema, value, 0)
}

type Check = (asked: JsonValue, value: Recorded, schema: JsonObject, depth: number) => Truth

class Judge {
  readonly #root: JsonObject
  readonly #patterns: PatternEngine
  readonly #checks: Readonly<Record<string, Check>>

  constructor(root: JsonObject, patterns: PatternEngine) {
    this.#root = root
    this.#patterns = patterns
    this.#checks = this.#keywords()
  }

  schema(schema: JsonValue, value: Recorded, depth: number): Truth {
    if (typeof schema === 'boolean') return schema
    if (!isJsonObject(schema)) return undefined
    if (depth > MAX_DEPTH) return undefined
    return all(Object.entries(schema), ([keyword, asked]) => {
      const check = Object.hasOwn(this.#checks, keyword) ? this.#checks[keyword] : undefined
      if (check !== undefined) return check(asked, value, schema, depth)
      return keyword.startsWith('unevaluated') ? undefined : true
    })
  }

  #keywords(): Readonly<Record<string, Check>> {
    return {
      type: (asked, value) => any([asked].flat(), (name) => isOfType(name, value)),
      enum: (asked, value) => any(Array.isArray(asked) ? asked : [], (each) => same(each, value)),
      const: (asked, value) => same(asked, value),
      $ref: (asked, value, _, depth) => this.schema(this.#referred(String(asked)), value, depth + 1),
      allOf: (asked, value, _, depth) => all(listOf(asked), (each) => this.schema(each, value, depth + 1)),
      anyOf: (asked, value, _, depth) => any(listOf(asked), (each) => this.schema(each, value, depth + 1)),
      oneOf: (asked, value, _, depth) => one(listOf(asked).map((each) => this.schema(each, value, depth + 1))),
      not: (asked, value, _, depth) => negated(this.schema(asked, value, depth + 1)),
      if: (asked, value, schema, depth) => this.#conditional(asked, value, schema, depth),
      ...this.#ofTexts(),
      ...OF_NUMBERS,
      ...this.#ofLists(),
      ...this.#ofObjects(),
    }
  }

  #ofTexts(): Readonly<Record<string, Check>> {
    return {
      minLength: (asked, value) =>
        length(value, (min, max) => (min >= Number(asked) ? true : max < Number(asked) ? false : undefined)),
      maxLength: (asked, value) =>
        length(value, (min, max) => (max <= Number(asked) ? true : min > Number(asked) ? false : undefined)),
      pattern: (asked, value) => {
        if (value instanceof UnknownText) return undefined
        return typeof value !== 'string' || this.#patterns.compile(String(asked)).test(value)
      },
    }
  }

  #ofLists(): Readonly<Record<string, Check>> {
    const items = (value: Recorded): readonly Recorded[] | undefined => (Array.isArray(value) ? value : undefined)
    return {
      minItems: (asked, value) => items(value) === undefined || (items(value)?.length ?? 0) >= Number(asked),
      maxItems: (asked, value) => items(value) === undefined || (items(value)?.length ?? 0) <= Number(asked),
      uniqueItems: (asked, value) => asked !== true || items(value) === undefined || distinct(items(value) ?? []),
      prefixItems: (asked, value, _, depth) =>
        all((items(value) ?? []).slice(0, listOf(asked).length), (item, at) =>
          this.schema(listOf(asked)[at] ?? true, item, depth + 1),
        ),
      items: (asked, value, schema, depth) =>
        all((items(value) ?? []).slice(listOf(schema.prefixItems).length), (item) =>
          this.schema(asked, item, depth + 1),
        ),
      contains: (asked, value, schema, depth) => {
        const list = items(value)
        return (
          list === undefined ||
          contained(
            list.map((item) => this.schema(asked, item, depth + 1)),
            schema,
          )
        )
      },
    }
  }

  #ofObjects(): Readonly<Record<string, Check>> {
    return {
      required: (asked, value) => all(listOf(asked), (name) => !isObject(value) || Object.hasOwn(value, String(name))),
      minProperties: (asked, value) => !isObject(value) || Object.keys(value).length >= Number(asked),
      maxProperties: (asked, value) => !isObject(value) || Object.keys(value).length <= Number(asked),
      properties: (asked, value, _, depth) =>
        all(membersOf(value), ([name, member]) =>
          hasName(asked, name) ? this.schema(asked[name] ?? true, member, depth + 1) : true,
        ),
      patternProperties: (asked, value, _, depth) =>
        all(Object.entries(objectOf(asked)), ([pattern, each]) =>
          all(
            membersOf(value),
            ([name, member]) => !this.#patterns.compile(pattern).test(name) || this.schema(each, member, depth + 1),
          ),
        ),
      additionalProperties: (asked, value, schema, depth) =>
        all(membersOf(value), ([name, member]) => this.#isNamed(name, schema) || this.schema(asked, member, depth + 1)),
      propertyNames: (asked, value, _, depth) => all(membersOf(value), ([name]) => this.schema(asked, name, depth + 1)),
      dependentRequired: (asked, value) =>
        all(
          Object.entries(objectOf(asked)),
          ([name, names]) =>
            !isObject(value) ||
            !Object.hasOwn(value, name) ||
            listOf(names).every((each) => Object.hasOwn(value, String(each))),
        ),
      dependentSchemas: (asked, value, _, depth) =>
        all(
          Object.entries(objectOf(asked)),
          ([name, each]) => !isObject(value) || !Object.hasOwn(value, name) || this.schema(each, value, depth + 1),
        ),
    }
  }

  #isNamed(name: string, schema: JsonObject): boolean {
    if (hasName(schema.properties, name)) return true
    return Object.keys(objectOf(schema.patternProperties)).some((pattern) => this.#patterns.compile(pattern).test(name))
  }

  #conditional(asked: JsonValue, value: Recorded, schema: JsonObject, depth: number): Truth {
    const holds = this.schema(asked, value, depth + 1)
    const then = (): Truth => this.schema(schema.then ?? true, value, depth + 1)
    const otherwise = (): Truth => this.schema(schema.else ?? true, value, depth + 1)
    if (holds === true) return then()
    if (holds === false) return otherwise()
    const [one, other] = [then(), otherwise()]
    return one === other ? one : undefined
  }

  #referred(reference: string): JsonValue {
    let here: JsonValue | undefined = this.#root
    for (const key of keysOf(reference.slice(1))) {
      here = typeof here === 'object' && here !== null ? (here as JsonObject)[decodeURIComponent(key)] : undefined
    }
    return here ?? false
  }
}

const number = (value: Recorded, holds: (value: number) => boolean): Truth => typeof value !== 'number' || holds(value)

const OF_NUMBERS: Readonly<Record<string, Check>> = {
  minimum: (asked, value) => number(value, (each) => each >= Number(asked)),
  maximum: (asked, value) => number(value, (each) => each <= Number(asked)),
  exclusiveMinimum: (asked, value) => number(value, (each) => each > Number(asked)),
  exclusiveMaximum: (asked, value) => number(value, (each) => each < Number(asked)),
  multipleOf: (asked, value) => number(value, (each) => Number.isInteger(each / Number(asked))),
}

function length(value: Recorded, holds: (min: number, max: number) => Truth): Truth {
  if (value instanceof UnknownText) return holds(value.min, value.max)
  if (typeof value !== 'string') return true
  const characters = [...value].length
  return holds(characters, characters)
}

function isOfType(name: JsonValue, value: Recorded): boolean {
  if (value instanceof UnknownText || typeof value === 'string') return name === 'string'
  if (typeof value === 'number') return name === 'number' || (name === 'integer' && Number.isInteger(value))
  if (typeof value === 'boolean') return name === 'boolean'
  if (value === null) return name === 'null'
  return Array.isArray(value) ? name === 'array' : name === 'object'
}

/** Are they equal? Of two hashed texts their HMACs tell, of one nothing does. */
function same(asked: Recorded, value: Recorded): Truth {
  if (asked instanceof UnknownText && value instanceof UnknownText) return asked.hmac === value.hmac
  if (value instanceof UnknownText) return typeof asked === 'string' ? within(asked, value) : false
  if (asked instanceof UnknownText) return same(value, asked)
  if (typeof asked !== 'object' || typeof value !== 'object' || asked === null || value === null) return asked === value
  if (Array.isArray(asked) !== Array.isArray(value)) return false
  const [one, other] = [partsOf(asked), partsOf(value)]
  if (one.length !== other.length) return false
  return all(one, ([name, member]) => {
    const there = other.find(([each]) => each === name)
    return there === undefined ? false : same(member, there[1])
  })
}

function within(text: string, { min, max }: UnknownText): Truth {
  return text.length < min || text.length > max ? false : undefined
}

function distinct(items: readonly Recorded[]): Truth {
  return all(items, (item, at) => all(items.slice(0, at), (before) => negated(same(before, item))))
}

function contained(found: readonly Truth[], { minContains, maxContains }: JsonObject): Truth {
  const least = typeof minContains === 'number' ? minContains : 1
  const most = typeof maxContains === 'number' ? maxContains : Number.POSITIVE_INFINITY
  const sure = found.filter((each) => each === true).length
  const possible = sure + found.filter((each) => each === undefined).length
  if (possible < least || sure > most) return false
  return sure >= least && possible <= most ? true : undefined
}

function all<T>(items: readonly T[], holds: (item: T, at: number) => Truth): Truth {
  let truth: Truth = true
  for (const [at, item] of items.entries()) {
    const each = holds(item, at)
    if (each === false) return false
    if (each === undefined) truth = undefined
  }
  return truth
}

function any<T>(items: readonly T[], holds: (item: T) => Truth): Truth {
  return negated(all(items, (item) => negated(holds(item))))
}

function one(found: readonly Truth[]): Truth {
  const sure = found.filter((each) => each === true).length
  if (sure > 1) return false
  if (found.includes(undefined)) return undefined
  return sure === 1
}

function negated(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth
}

function isObject(value: Recorded): value is { readonly [name: string]: Recorded } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof UnknownText)
}

function membersOf(value: Recorded): readonly (readonly [string, Recorded])[] {
  return isObject(value) ? Object.entries(value) : []
}

function partsOf(value: Recorded): readonly (readonly [string, Recorded])[] {
  return Array.isArray(value) ? value.map((item, at) => [String(at), item] as const) : membersOf(value)
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

function hasName(value: JsonValue | undefined, name: string): value is JsonObject {
  return isJsonObject(value) && Object.hasOwn(value, name)
}
