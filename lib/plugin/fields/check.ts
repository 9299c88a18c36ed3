import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { coercionOf } from './coerce.ts'
import { KEYWORDS } from './keywords.ts'
import type { FieldSchema } from './schema.ts'

/** A value that its schema refuses. Tells where and what was expected, never the value. */
export class FieldRefusal extends Error {
  constructor(at: string, expected: string) {
    super(`${JSON.stringify(at)} ${expected}`)
    this.name = 'FieldRefusal'
  }
}

/** Reads one value: brings it to its type, checks it, and gives what a handler sees. @throws {FieldRefusal} */
export type FieldCheck = (value: JsonValue, at: string) => JsonValue

/**
 * Compiles `schema` into a check.
 *
 * An own one, of the keywords that fields need: ajv costs a plugin process 24 MB of memory and 70 ms for 25 paths,
 * measured, and cannot read values weakly. A test holds its verdicts equal to ajv's.
 *
 * @throws {TypeError} for a keyword that is not known, or does not go with the type.
 */
export function compileField(schema: FieldSchema, at: string): FieldCheck {
  refuseUnknown(schema, at)
  const coerce = coercionOf(schema)
  const expected = `must be ${describe(schema)}`
  const rules = rulesOf(schema, at)
  return (value, where) => {
    const read = coerce(value)
    if (read === undefined) throw new FieldRefusal(where, expected)
    let result = read
    for (const rule of rules) result = rule(result, where)
    return result
  }
}

function refuseUnknown(schema: FieldSchema, at: string): void {
  const allowed = KEYWORDS[schema.type ?? 'any']
  for (const keyword of Object.keys(schema))
    if (!allowed.has(keyword))
      throw new TypeError(`field "${at}": keyword "${keyword}" is not taken for type "${schema.type ?? 'any'}"`)
  const { format, type } = schema
  if (format !== undefined && FORMATS[format] !== type)
    throw new TypeError(`field "${at}": format "${format}" is not known for type "${type ?? 'any'}"`)
}

const FORMATS: Readonly<Record<string, FieldSchema['type']>> = {
  duration: 'integer',
  'signed-duration': 'integer',
  name: 'string',
  'lower-case': 'string',
  base64: 'string',
  'comma-list': 'array',
  'key-value': 'object',
}

function describe({ type, format }: FieldSchema): string {
  if (format === 'duration') return 'a duration of 0 or more, such as 30 or "24h"'
  if (format === 'signed-duration') return 'a duration, such as 30 or "-24h"'
  if (format === 'key-value') return 'an object of texts, or a list of "key=value"'
  return type === 'array' || type === 'integer' || type === 'object' ? `an ${type}` : `a ${type ?? 'value'}`
}

function rulesOf(schema: FieldSchema, at: string): readonly FieldCheck[] {
  const rules: FieldCheck[] = []
  const want = (isHeld: (value: JsonValue) => boolean, expected: string): void => {
    rules.push((value, where) => {
      if (!isHeld(value)) throw new FieldRefusal(where, expected)
      return value
    })
  }
  equalityRules(schema, want)
  textRules(schema, want)
  numberRules(schema, want)
  listRules(schema, at, want, rules)
  if (schema.properties !== undefined || schema.required !== undefined || schema.additionalProperties !== undefined)
    rules.push(objectRule(schema, at))
  return rules
}

type Want = (isHeld: (value: JsonValue) => boolean, expected: string) => void

function equalityRules({ const: only, enum: choices }: FieldSchema, want: Want): void {
  if (only !== undefined) want((value) => isDeepStrictEqual(value, only), `must be ${JSON.stringify(only)}`)
  if (choices !== undefined)
    want(
      (value) => choices.some((choice) => isDeepStrictEqual(value, choice)),
      `must be one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`,
    )
}

const NAME = /^\w(?:[\w.-]*\w)?$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function textRules({ format, pattern, minLength, maxLength }: FieldSchema, want: Want): void {
  if (format === 'name')
    want((value) => NAME.test(String(value)), 'must be a name: letters, digits, "_", and "-" or "." within')
  if (format === 'base64') want((value) => BASE64.test(String(value)), 'must be base64')
  if (minLength !== undefined)
    want((value) => lengthOf(String(value)) >= minLength, `must have at least ${minLength} characters`)
  if (maxLength !== undefined)
    want((value) => lengthOf(String(value)) <= maxLength, `must have at most ${maxLength} characters`)
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, 'u')
    want((value) => expression.test(String(value)), `must match ${pattern}`)
  }
}

function lengthOf(text: string): number {
  let length = 0
  for (const _ of text) length += 1
  return length
}

function numberRules(schema: FieldSchema, want: Want): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  if (minimum !== undefined) want((value) => Number(value) >= minimum, `must be ${minimum} or more`)
  if (maximum !== undefined) want((value) => Number(value) <= maximum, `must be ${maximum} or less`)
  if (exclusiveMinimum !== undefined)
    want((value) => Number(value) > exclusiveMinimum, `must be more than ${exclusiveMinimum}`)
  if (exclusiveMaximum !== undefined)
    want((value) => Number(value) < exclusiveMaximum, `must be less than ${exclusiveMaximum}`)
}

function listRules(
  { items, minItems, maxItems, uniqueItems }: FieldSchema,
  at: string,
  want: Want,
  rules: FieldCheck[],
): void {
  if (minItems !== undefined) want((value) => sizeOf(value) >= minItems, `must have at least ${minItems} items`)
  if (maxItems !== undefined) want((value) => sizeOf(value) <= maxItems, `must have at most ${maxItems} items`)
  if (items !== undefined) {
    const check = compileField(items, `${at}[]`)
    rules.push((value, where) => (value as readonly JsonValue[]).map((item, index) => check(item, `${where}/${index}`)))
  }
  if (uniqueItems === true) want(isUnique, 'must not have an item twice')
}

function sizeOf(value: JsonValue): number {
  return Array.isArray(value) ? value.length : 0
}

/** By sorted JSON text, so that a long list costs n log n. */
function isUnique(value: JsonValue): boolean {
  const texts = (value as readonly JsonValue[]).map(canonical)
  return new Set(texts).size === texts.length
}

function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_, part: JsonValue) =>
    isJsonObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  )
}

function objectRule(
  { properties = {}, required = [], additionalProperties = true }: FieldSchema,
  at: string,
): FieldCheck {
  const known = new Map(Object.entries(properties).map(([name, own]) => [name, compileField(own, `${at}.${name}`)]))
  const others = typeof additionalProperties === 'boolean' ? undefined : compileField(additionalProperties, `${at}.*`)
  return (value, where) => {
    const object = value as JsonObject
    const missing = required.find((name) => !Object.hasOwn(object, name))
    if (missing !== undefined) throw new FieldRefusal(`${where}/${missing}`, 'is required')
    const read = Object.entries(object).map(([name, part]): [string, JsonValue] => {
      const check = known.get(name) ?? others
      if (check === undefined && additionalProperties === false)
        throw new FieldRefusal(`${where}/${name}`, 'is not known')
      return [name, check === undefined ? part : check(part, `${where}/${name}`)]
    })
    return Object.fromEntries(read)
  }
}
