import { isJsonObject, type JsonValue } from '../../model/json.ts'
import { durationSeconds } from './duration.ts'
import type { FieldSchema } from './schema.ts'

/** Brings a value to the type of its field; `undefined` where it cannot be. */
export type Coercion = (value: JsonValue) => JsonValue | undefined

/**
 * How values of `schema` are read: weakly, as the server does, since command lines and forms send texts.
 *
 * Digits stand for a number, `"true"` for a boolean, a lone value for a list of one. What can be read in one way only is
 * taken, everything else refused.
 */
export function coercionOf(schema: FieldSchema): Coercion {
  switch (schema.type) {
    case 'string':
      return schema.format === 'lower-case' ? (value) => textOf(value)?.trim().toLowerCase() : textOf
    case 'integer':
      return integerOf(schema)
    case 'number':
      return numberOf
    case 'boolean':
      return booleanOf
    case 'array':
      return schema.format === 'comma-list' ? commaListOf : listOfOne
    case 'object':
      return schema.format === 'key-value' ? pairsOf : (value) => (isJsonObject(value) ? value : undefined)
    default:
      return (value) => value
  }
}

function integerOf(schema: FieldSchema): Coercion {
  if (schema.format === 'signed-duration') return durationSeconds
  if (schema.format === 'duration')
    return (value) => {
      const seconds = durationSeconds(value)
      return seconds === undefined || seconds < 0 ? undefined : seconds
    }
  return (value) => {
    const number = numberOf(value)
    return Number.isSafeInteger(number) ? number : undefined
  }
}

function textOf(value: JsonValue): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

const NUMBER = /^[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?$/

function numberOf(value: JsonValue): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (text === '') return 0
  const number = NUMBER.test(text) ? Number(text) : undefined
  return Number.isFinite(number) ? number : undefined
}

/** The spellings that Go's parser takes. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE: ReadonlySet<string> = new Set(['', '0', 'f', 'F', 'FALSE', 'false', 'False'])

function booleanOf(value: JsonValue): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  if (typeof value !== 'string') return undefined
  if (TRUE.has(value)) return true
  return FALSE.has(value) ? false : undefined
}

function commaListOf(value: JsonValue): JsonValue | undefined {
  if (typeof value !== 'string') return listOfOne(value)
  return value.trim() === '' ? [] : value.split(',').map((item) => item.trim())
}

function listOfOne(value: JsonValue): JsonValue | undefined {
  if (Array.isArray(value)) return value
  return value === '' ? [] : [value]
}

function pairsOf(value: JsonValue): JsonValue | undefined {
  const pairs = isJsonObject(value) ? Object.entries(value) : (listOfOne(value) as readonly JsonValue[]).map(pairOf)
  const texts: [string, string][] = []
  for (const pair of pairs) {
    const text = pair === undefined ? undefined : textOf(pair[1])
    if (pair === undefined || text === undefined) return undefined
    texts.push([pair[0], text])
  }
  return Object.fromEntries(texts)
}

function pairOf(item: JsonValue): readonly [string, string] | undefined {
  if (typeof item !== 'string') return undefined
  const at = item.indexOf('=')
  return at < 1 ? undefined : [item.slice(0, at), item.slice(at + 1)]
}
