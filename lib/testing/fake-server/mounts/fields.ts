import type { JsonObject, JsonValue } from '../../../model/json.ts'

/** A field that is a text; else empty. */
export function textField(data: JsonObject, name: string): string {
  const value = data[name]
  return typeof value === 'string' ? value : ''
}

/** A field that lists texts: an array, or one text with commas. `undefined` where it is neither. */
export function listField(data: JsonObject, name: string): readonly string[] | undefined {
  const value: JsonValue | undefined = data[name]
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string')
  if (typeof value !== 'string') return undefined
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** A field that counts; else `fallback`. */
export function countField(data: JsonObject, name: string, fallback: number): number {
  const value = Number(data[name] ?? fallback)
  return Number.isInteger(value) && value >= 0 ? value : fallback
}

/** The names right below `folder`, those with more below them ending in a slash. */
export function namesBelow(paths: Iterable<string>, folder: string): readonly string[] {
  const start = folder === '' || folder.endsWith('/') ? folder : `${folder}/`
  const names = new Set<string>()
  for (const path of paths) {
    if (!path.startsWith(start)) continue
    const left = path.slice(start.length)
    const slash = left.indexOf('/')
    if (left !== '') names.add(slash === -1 ? left : left.slice(0, slash + 1))
  }
  return [...names].sort()
}
