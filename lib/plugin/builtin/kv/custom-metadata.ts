import { isJsonObject, type JsonValue } from '../../../model/json.ts'
import { Refused } from './refused.ts'

/** What users say of a secret: texts by name. */
export type CustomMetadata = Readonly<Record<string, string>>

const MAX_NAMES = 64
const MAX_NAME_BYTES = 128
const MAX_TEXT_BYTES = 512
/** Letters, marks, numbers, punctuation, symbols, and of all spaces the plain one. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u

/** Reads `value`, numbers and booleans as texts. @throws {Refused} it is no object of texts, or beyond a limit. */
export function customMetadataOf(value: JsonValue): CustomMetadata {
  const custom = Object.fromEntries(entriesOf(value).map(([name, part]) => [name, textOf(part)]))
  check(custom)
  return custom
}

/** `custom` with the changes in `patch`, texts alone, where null removes. @throws {Refused} as {@link customMetadataOf}. */
export function patchedCustomMetadata(custom: CustomMetadata | null, patch: JsonValue): CustomMetadata {
  const result = new Map(Object.entries(custom ?? {}))
  for (const [name, value] of entriesOf(patch)) {
    if (value === null) result.delete(name)
    else if (typeof value === 'string') result.set(name, value)
    else throw refused('values must be texts')
  }
  const patched = Object.fromEntries(result)
  check(patched)
  return patched
}

function entriesOf(value: JsonValue): readonly (readonly [string, JsonValue])[] {
  if (value === null || (Array.isArray(value) && value.length === 0)) return []
  if (!isJsonObject(value)) throw refused('it must be an object of texts')
  return Object.entries(value)
}

function textOf(value: JsonValue): string {
  if (typeof value === 'string') return value
  if (value === null) return ''
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'number') return String(value)
  throw refused('values must be texts')
}

/** Words and order of the server, which clients show to users. */
function check(custom: CustomMetadata): void {
  const count = Object.keys(custom).length
  const errors = count > MAX_NAMES ? [`payload must contain at most ${MAX_NAMES} keys, provided ${count}`] : []
  if (errors.length === 0) errors.push(...Object.entries(custom).flatMap(([name, text]) => errorsOf(name, text)))
  if (errors.length === 0) return
  const lines = errors.map((error) => `\t* custom_metadata validation failed: ${error}`)
  throw new Refused(`${errors.length} error${errors.length > 1 ? 's' : ''} occurred:\n${lines.join('\n')}\n\n`)
}

function errorsOf(name: string, text: string): readonly string[] {
  const quoted = quote(name)
  const [nameBytes, textBytes] = [Buffer.byteLength(name), Buffer.byteLength(text)]
  const errors: string[] = []
  if (nameBytes === 0 || nameBytes > MAX_NAME_BYTES)
    errors.push(`length of key ${quoted} is ${nameBytes} but must be 0 < len(key) <= ${MAX_NAME_BYTES}`)
  if (textBytes === 0 || textBytes > MAX_TEXT_BYTES)
    errors.push(`length of value for key ${quoted} is ${textBytes} but must be 0 < len(value) <= ${MAX_TEXT_BYTES}`)
  if (!PRINTABLE.test(name)) errors.push(`key ${quoted} (${name}) contains unprintable characters`)
  if (!PRINTABLE.test(text)) errors.push(`value for key ${quoted} contains unprintable characters`)
  return errors
}

/** In double quotes, what cannot be printed as `\n`, `\x01` or `\u00a0`. */
function quote(text: string): string {
  const parts = [...text].map((character) => {
    if (character === '"' || character === '\\') return `\\${character}`
    if (PRINTABLE.test(character)) return character
    const code = character.codePointAt(0) ?? 0
    const short = SHORT.get(code)
    if (short !== undefined) return short
    if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
  return `"${parts.join('')}"`
}

const SHORT: ReadonlyMap<number, string> = new Map([
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
])

function refused(why: string): Refused {
  return new Refused(`custom_metadata validation failed: ${why}`)
}
