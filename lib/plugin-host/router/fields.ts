import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { refuse } from './refusal.ts'

/** What a server says first of a field that is not of its kind. */
export function fieldWords(name: string): string {
  return `Field validation failed: error converting input for field "${name}": `
}

/** A field that is a text, or a number, which the servers take for one; else empty. */
export function textField(data: JsonObject, name: string): string {
  const value = data[name]
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value : ''
}

/** A field that lists texts: an array, or one text with commas. `undefined` where it is neither. */
export function listField(data: JsonObject, name: string): readonly string[] | undefined {
  const value = data[name]
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string')
  if (typeof value !== 'string') return undefined
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** A field that counts: a whole number from 0; 0 where it is absent. @throws {Refusal} 400 for anything else. */
export function countField(data: JsonObject, name: string): number {
  const value = data[name] ?? 0
  const count = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  if (typeof count === 'number' && count < 0) throw refuse(400, 'number of uses cannot be negative')
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0)
    throw refuse(400, `${name} must be a whole number, 0 or more`)
  return count
}

/** A field that is true or false; `undefined` where absent. */
export function flagField(data: JsonObject, name: string): boolean | undefined {
  const value = data[name]
  if (value === 'true' || value === 'false') return value === 'true'
  return typeof value === 'boolean' ? value : undefined
}

/** As {@link textsField}, of a field that may also say `name=value`. @throws {Refusal} 400 for a text that says no such thing. */
export function pairsField(data: JsonObject, name: string): Readonly<Record<string, string>> | undefined {
  const value = data[name]
  if (typeof value !== 'string') return textsField(data, name)
  const at = value.indexOf('=')
  if (at > 0) return { [value.slice(0, at)]: value.slice(at + 1) }
  throw refuse(400, `${fieldWords(name)}invalid key pair at index 0 in field "${name}"`)
}

/** A field that is an object of texts; numbers and booleans become texts. `undefined` where it is no object. */
export function textsField(data: JsonObject, name: string): Readonly<Record<string, string>> | undefined {
  const value = data[name]
  if (!isJsonObject(value)) return undefined
  const texts: Record<string, string> = Object.create(null)
  for (const [key, item] of Object.entries(value)) {
    if (item !== null) texts[key] = typeof item === 'object' ? JSON.stringify(item) : String(item)
  }
  return texts
}

/** The names right below `folder`, those with more below them ending in a slash; sorted. */
export function namesBelow(paths: Iterable<string>, folder: string): readonly string[] {
  const names = new Set<string>()
  for (const path of paths) {
    if (!path.startsWith(folder)) continue
    const left = path.slice(folder.length)
    const slash = left.indexOf('/')
    if (left !== '') names.add(slash === -1 ? left : left.slice(0, slash + 1))
  }
  return [...names].sort()
}
