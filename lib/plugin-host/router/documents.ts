import { Buffer } from 'node:buffer'
import { StorageError } from '../../errors/index.ts'
import type { Store, StoreChange } from '../../ports/store.ts'

/** Values of the host's own, kept as JSON below the barrier. */
export interface Documents {
  /** @throws {StorageError} `ERR_PORTCULLIS_STORAGE_CORRUPT` for what is no JSON. */
  get<T>(key: string): Promise<T | undefined>
  /** Every document directly below `folder` (ends in `/`), with its name. */
  all<T>(folder: string): Promise<readonly (readonly [name: string, value: T])[]>
  put(key: string, value: unknown): Promise<void>
  remove(...keys: readonly string[]): Promise<void>
  /** All or nothing. */
  write(changes: readonly DocumentChange[]): Promise<void>
}

/** A document to be put; `undefined` removes it. */
export interface DocumentChange {
  readonly key: string
  readonly value: unknown
}

/** Documents read at once when a host starts. */
const READ_AT_ONCE = 64

export function createDocuments(store: Store): Documents {
  const get = async <T>(key: string): Promise<T | undefined> => {
    const bytes = await store.get(key)
    return bytes === undefined ? undefined : parsed<T>(key, bytes)
  }
  const write = (changes: readonly DocumentChange[]): Promise<void> => store.write(changes.map(changeOf))
  return {
    get,
    write,
    async all<T>(folder: string): Promise<readonly (readonly [string, T])[]> {
      const names = (await store.list(folder)).filter((name) => !name.endsWith('/'))
      const found: (readonly [string, T])[] = []
      for (let at = 0; at < names.length; at += READ_AT_ONCE) {
        const some = names.slice(at, at + READ_AT_ONCE)
        const values = await Promise.all(some.map((name) => get<T>(folder + name)))
        for (const [index, value] of values.entries()) {
          if (value !== undefined) found.push([some[index] ?? '', value])
        }
      }
      return found
    },
    put: (key, value) => write([{ key, value }]),
    remove: (...keys) => write(keys.map((key) => ({ key, value: undefined }))),
  }
}

function changeOf({ key, value }: DocumentChange): StoreChange {
  return { key, value: value === undefined ? undefined : Buffer.from(JSON.stringify(value)) }
}

function parsed<T>(key: string, bytes: Uint8Array): T {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as T
  } catch {
    // The engine's message quotes the text.
    throw new StorageError('ERR_PORTCULLIS_STORAGE_CORRUPT', `the document ${JSON.stringify(key)} is no JSON`)
  }
}

/** Removes all that lies below `folder`, which ends in `/`. */
export async function removeAll(store: Store, folder: string): Promise<void> {
  for (;;) {
    const names = await store.list(folder, { limit: 1000 })
    if (names.length === 0) return
    const keys = names.filter((name) => !name.endsWith('/')).map((name) => ({ key: folder + name, value: undefined }))
    if (keys.length > 0) await store.write(keys)
    for (const name of names) if (name.endsWith('/')) await removeAll(store, folder + name)
  }
}
