import { createHmac, createSecretKey } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'

/** Makes the HMACs that stand in audit entries in place of secrets. */
export interface Hasher {
  /** `hmac-sha256:` and 64 hex digits. */
  value(text: string): string
  /**
   * `data` with every string in it hashed, by the server's rules: keys, numbers, booleans and times stay.
   *
   * Deeper than {@link HASH_MAX_DEPTH} a value is hashed whole.
   */
  data(data: JsonObject): JsonObject
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
  return { value, data: (data) => object(data, 0) }
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

/** The server leaves RFC 3339 times in clear. */
function isTime(text: string): boolean {
  return text.length >= 20 && text.length <= 35 && TIME.test(text)
}
