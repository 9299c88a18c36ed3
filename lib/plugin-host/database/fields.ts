import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { durationOf } from './go-duration.ts'
import { refuse } from './reply.ts'

/** How the value of a field is read; the servers' weak typing: numbers are taken for texts, one text for a list, … */
export type FieldKind = 'text' | 'texts' | 'comma-texts' | 'flag' | 'duration' | 'pairs' | 'count'

/** The fields of a path, by name. */
export type Fields = Readonly<Record<string, FieldKind>>

/** What a request gave for the fields of its path; `undefined` for what it left out. */
export interface FieldValues {
  text(name: string): string | undefined
  texts(name: string): readonly string[] | undefined
  flag(name: string): boolean | undefined
  /** Milliseconds, whole seconds. */
  duration(name: string): number | undefined
  pairs(name: string): Readonly<Record<string, string>> | undefined
  count(name: string): number | undefined
}

/** Reads all `fields` in `data`. @throws {Refusal} 400 for one that cannot be read as its kind. */
export function readFields(fields: Fields, data: JsonObject): FieldValues {
  const values = new Map<string, unknown>()
  for (const [name, kind] of Object.entries(fields)) {
    const value = Object.hasOwn(data, name) ? data[name] : undefined
    if (value !== undefined) values.set(name, converted(name, kind, value))
  }
  return {
    text: (name) => values.get(name) as string | undefined,
    texts: (name) => values.get(name) as readonly string[] | undefined,
    flag: (name) => values.get(name) as boolean | undefined,
    duration: (name) => values.get(name) as number | undefined,
    pairs: (name) => values.get(name) as Readonly<Record<string, string>> | undefined,
    count: (name) => values.get(name) as number | undefined,
  }
}

function converted(name: string, kind: FieldKind, value: JsonValue): unknown {
  try {
    return READERS[kind](value, name)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // The server checks the fields of lists beforehand, and says so.
    const heading = kind === 'count' ? 'Field validation failed: ' : ''
    throw refuse(`${heading}error converting input for field ${JSON.stringify(name)}: ${error.message}`)
  }
}

const TEXTS_FAILED = 'decoding failed due to the following error(s):\n\n'

const READERS: Readonly<Record<FieldKind, (value: JsonValue, name: string) => unknown>> = {
  text: (value) => (value === null ? '' : textOf(value, '')),
  texts: (value) => listed(value, TEXTS_FAILED),
  'comma-texts': (value) => {
    const isParted = typeof value === 'string' && value !== ''
    const list = isParted ? value.split(',') : listed(value, '1 error(s) decoding:\n\n* ', suffixOf)
    return list.map((text) => text.trim())
  },
  flag: flagOf,
  duration: (value) => (value === null ? undefined : durationOf(value)),
  pairs: pairsOf,
  count: (value) => (value === null ? undefined : countOf(value, '')),
}

type Suffix = (value: JsonValue) => string

function listed(value: JsonValue, heading: string, suffix: Suffix = () => ''): readonly string[] {
  if (value === null || value === '') return []
  const items = Array.isArray(value) ? (value as readonly JsonValue[]) : [value]
  return items.map((item, index) => {
    if (item === null) return ''
    try {
      return textOf(item, `[${index}]`)
    } catch (error) {
      throw new TypeError(`${heading}${(error as Error).message}${suffix(item)}`)
    }
  })
}

/** The older decoder also tells the value, in Go's words. */
function suffixOf(value: JsonValue): string {
  return `, value: '${goText(value)}'`
}

function goText(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (!isJsonObject(value)) return value === null ? '<nil>' : String(value)
  const entries = Object.entries(value).map(([key, item]) => `${key}:${goText(item)}`)
  return `map[${entries.join(' ')}]`
}

function textOf(value: JsonValue, place: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  throw wrongType(place, 'string', value)
}

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False', ''])

function flagOf(value: JsonValue): boolean {
  if (value === null) return false
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  if (typeof value !== 'string') throw wrongType('', 'bool', value)
  if (TRUE.has(value)) return true
  if (FALSE.has(value)) return false
  throw new TypeError("'' cannot parse value as 'bool': strconv.ParseBool: invalid syntax")
}

/** A whole number, also as text. @throws {TypeError} in the server's words. */
export function countOf(value: JsonValue, place: string): number {
  if (typeof value === 'number') return Math.trunc(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') throw wrongType(place, 'int', value)
  if (value === '') return 0
  if (!/^[+-]?\d+$/.test(value) || !Number.isSafeInteger(Number(value)))
    throw new TypeError(`'${place}' cannot parse value as 'int': strconv.ParseInt: invalid syntax`)
  return Number(value)
}

/** An object, `"key=value"`, or a list of such. */
function pairsOf(value: JsonValue, name: string): Readonly<Record<string, string>> {
  const pairs: Record<string, string> = Object.create(null)
  if (value === null) return pairs
  if (isJsonObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      // The server then tries to read the object as a list of texts, and tells of that.
      if (typeof item === 'object' && item !== null) listed([value], TEXTS_FAILED)
      else pairs[key] = item === null ? '' : textOf(item, '')
    }
    return pairs
  }
  const items = Array.isArray(value) ? (value as readonly JsonValue[]) : [value]
  for (const [index, item] of items.entries()) {
    const text = typeof item === 'object' ? '' : String(item)
    const at = text.indexOf('=')
    if (at === -1) throw new TypeError(`invalid key pair at index ${index} in field ${JSON.stringify(name)}`)
    pairs[text.slice(0, at)] = text.slice(at + 1)
  }
  return pairs
}

function wrongType(place: string, wanted: string, value: JsonValue): TypeError {
  const got = Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
  return new TypeError(`'${place}' expected type '${wanted}', got unconvertible type '${got}'`)
}
