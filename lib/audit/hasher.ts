import { createHmac, createSecretKey } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'

/** Makes the HMACs that stand in audit entries in place of secrets. */
export interface Hasher {
  /** `hmac-sha256:` and 64 hex digits. */
  value(text: string): string
  /**
   * `data` with every string in it hashed, by the server's rules: keys, numbers, booleans, null and times stay.
   *
   * What lies deeper than {@link HASH_MAX_DEPTH} is hashed whole, as JSON text.
   *
   * @param clear - Fields whose text, or list of texts, is left as it is: at the top, and in an object `data` at the top,
   *   which is where a secret of KV v2 has its fields. An object of such a name is hashed like any other.
   */
  data(data: JsonObject, clear?: ReadonlySet<string>): JsonObject
}

/** Shortest key taken, in bytes. */
export const HASH_KEY_MIN_BYTES = 16
/** Depth below which nothing is looked into. */
export const HASH_MAX_DEPTH = 64

/** @throws {RangeError} `key` is shorter than {@link HASH_KEY_MIN_BYTES}. */
export function createHasher(key: Uint8Array): Hasher {
  if (key.length < HASH_KEY_MIN_BYTES) {
    throw new RangeError(`the audit key must have at least ${HASH_KEY_MIN_BYTES} bytes, got ${key.length}`)
  }
  // A key object made once is seven times faster than a key handed over with each value.
  const secret = createSecretKey(key)
  const value = (text: string): string => `hmac-sha256:${createHmac('sha256', secret).update(text).digest('hex')}`
  const any = (item: JsonValue, depth: number): JsonValue => {
    if (typeof item === 'string') return isTime(item) ? item : value(item)
    if (typeof item !== 'object' || item === null) return item
    if (depth >= HASH_MAX_DEPTH) return value(JSON.stringify(item))
    return isJsonObject(item) ? object(item, depth) : item.map((inner) => any(inner, depth + 1))
  }
  const object = (data: JsonObject, depth: number): JsonObject => {
    // Without a prototype `__proto__` is a key like any other.
    const hashed: Record<string, JsonValue> = Object.create(null)
    for (const name of Object.keys(data)) hashed[name] = any(data[name] ?? null, depth + 1)
    return hashed
  }
  return { value, data: (data, clear) => (clear === undefined ? object(data, 0) : partly(data, clear, object)) }
}

function partly(
  data: JsonObject,
  clear: ReadonlySet<string>,
  hashed: (data: JsonObject, depth: number) => JsonObject,
): JsonObject {
  const kept = (given: JsonObject, depth: number): Record<string, JsonValue> => {
    const all: Record<string, JsonValue> = Object.assign(Object.create(null), hashed(given, depth))
    for (const name of Object.keys(given)) {
      if (clear.has(name) && isText(given[name])) all[name] = given[name] ?? null
    }
    return all
  }
  const all = kept(data, 0)
  if (isJsonObject(data.data)) all.data = kept(data.data, 1)
  return all
}

function isText(value: JsonValue | undefined): boolean {
  return typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
}

/** At most nanoseconds: a longer fraction could carry anything. */
const TIME =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** The server leaves RFC 3339 times in clear, where they are times that exist. */
function isTime(text: string): boolean {
  if (text.length < 20 || text.length > 35) return false
  const match = TIME.exec(text)
  return match !== null && Number(match[3]) <= daysIn(Number(match[1]), Number(match[2]))
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}
