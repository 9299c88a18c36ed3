import { Buffer } from 'node:buffer'
import { StorageError } from '../../errors/index.ts'
import type { StoreChange } from '../../ports/store.ts'

/** How large what is stored may be. */
export interface StorageLimits {
  /** Bytes of a key in UTF-8. */
  readonly maxKeyBytes: number
  /** Bytes of one value. */
  readonly maxValueBytes: number
}

/**
 * What every driver takes. Keys: LMDB ends at 1978 bytes, an index of PostgreSQL at about 2700. Values: what one
 * message can carry anyway. The narrower quota of a host stands in its barrier.
 */
export const DRIVER_LIMITS: StorageLimits = Object.freeze({ maxKeyBytes: 1536, maxValueBytes: 32 * 1024 * 1024 })

/** @throws {TypeError} the key is empty or has a lone surrogate, which no encoding tells from another. */
export function checkKey(key: string): void {
  if (typeof key !== 'string' || key === '') throw new TypeError('a storage key must be a string that is not empty')
  if (!key.isWellFormed()) throw new TypeError('a storage key must not hold a lone surrogate')
}

/** @throws {StorageError} `ERR_PORTCULLIS_STORAGE_QUOTA`. @throws {TypeError} as {@link checkKey}. */
export function checkChange({ key, value }: StoreChange, limits: StorageLimits): void {
  checkKey(key)
  // The longest that UTF-8 makes of one UTF-16 unit is 3 bytes: most keys need no counting.
  if (key.length * 3 > limits.maxKeyBytes && Buffer.byteLength(key) > limits.maxKeyBytes) {
    throw quota(`the key has ${Buffer.byteLength(key)} bytes, more than ${limits.maxKeyBytes}`)
  }
  if (value === undefined) return
  if (!(value instanceof Uint8Array)) throw new TypeError(`the value of ${quoted(key)} must be a Uint8Array`)
  if (value.length > limits.maxValueBytes) {
    throw quota(`the value of ${quoted(key)} has ${value.length} bytes, more than ${limits.maxValueBytes}`)
  }
}

/** A refusal for size. */
export function quota(message: string): StorageError {
  return new StorageError('ERR_PORTCULLIS_STORAGE_QUOTA', message)
}

/** The refusal of a store that is closed. */
export function closed(name: string): StorageError {
  return new StorageError('ERR_PORTCULLIS_STORAGE_CLOSED', `the storage ${name} is closed`)
}

/** A key as it stands in messages: no control character reaches a log. */
export function quoted(key: string): string {
  return JSON.stringify(key.length > 200 ? `${key.slice(0, 200)}…` : key)
}

/**
 * A text in which each character stands for one byte of `key` in UTF-8.
 *
 * `<` orders such texts bytewise; it orders keys by UTF-16 units, which differ beyond U+D7FF.
 */
export function byteText(key: string): string {
  return Buffer.from(key, 'utf8').toString('latin1')
}

/** The key of a {@link byteText}. */
export function keyText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
