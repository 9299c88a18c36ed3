import { Buffer } from 'node:buffer'
import type { JsonValue } from '../model/json.ts'
import type { StorageCalls } from './host.ts'
import { type Changes, overlayOf } from './overlay.ts'

/** Which part of a list is wanted. */
export interface ListPage {
  /** Names after this one, bytewise. Default: from the first. */
  readonly after?: string
  /** Names at most. Default: all. */
  readonly limit?: number
}

/**
 * What a mount keeps, encrypted by its host. Keys are relative to the mount, parted by `/`; no other mount is in reach.
 *
 * Each call is a round trip to the host. All reject with {@link HostError} where the host refuses or is gone.
 */
export interface PluginStorage {
  /** `undefined` where there is none. */
  get(key: string): Promise<Uint8Array | undefined>
  /** `sealWrap` asks for the extra layer of a sealed server. */
  put(key: string, value: Uint8Array, options?: { readonly sealWrap?: boolean }): Promise<void>
  /** One that is not there is no error. */
  delete(key: string): Promise<void>
  /**
   * Names directly below `prefix` (`''`, or ending in `/`), relative to it, sorted bytewise; a folder once, with a trailing `/`.
   * A key and a folder of the same name both appear (`a`, `a/`).
   */
  list(prefix: string, page?: ListPage): Promise<readonly string[]>
  /** The value of {@link putJson}; its shape is what you stored, and not checked. @throws {SyntaxError} for what is no JSON. */
  getJson<T>(key: string): Promise<T | undefined>
  putJson(key: string, value: JsonValue | object): Promise<void>
  /**
   * Runs `work` on a view of the storage whose changes happen together, when it resolves; none when it rejects.
   *
   * On a host with transactions (OpenBao) they are atomic, and one that conflicts with another rejects. On others they
   * are kept back, seen by `work` itself, and then written one after the other: a crash in between leaves some of them.
   * Within `work` use only the storage it is given.
   */
  transaction<T>(work: (storage: PluginStorage) => Promise<T>): Promise<T>
}

/** Largest key, in bytes of UTF-8, and largest value: what the strictest host of ours takes. */
const MAX_KEY_BYTES = 1536
const MAX_VALUE_BYTES = 32 * 1024 * 1024

/** The storage of one mount, over calls to its host. */
export function storageOf(calls: StorageCalls, transaction = ''): PluginStorage {
  const storage: PluginStorage = {
    get: async (key) => {
      const value = await calls.get(checkedKey(key), transaction)
      // As it came it points into a piece of what the socket brought, and would keep all of that alive.
      return value === undefined ? undefined : new Uint8Array(value)
    },
    put: async (key, value, options = {}) => {
      if (value.length > MAX_VALUE_BYTES) throw new RangeError(`a value must have at most ${MAX_VALUE_BYTES} bytes`)
      await calls.put(checkedKey(key), value, options.sealWrap === true, transaction)
    },
    delete: async (key) => calls.delete(checkedKey(key), transaction),
    list: async (prefix, page = {}) => calls.list(checkedKey(prefix), checkedPage(page), transaction),
    getJson: async <T>(key: string) => {
      const value = await calls.get(checkedKey(key), transaction)
      return value === undefined ? undefined : (JSON.parse(textOf(value)) as T)
    },
    putJson: (key, value) => storage.put(key, Buffer.from(JSON.stringify(value))),
    transaction: (work) => (transaction === '' ? inTransaction(calls, storage, work) : work(storage)),
  }
  return storage
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')
}

function checkedKey(key: string): string {
  if (key.includes('..')) throw new TypeError('relative paths not supported')
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new RangeError(`a key must have at most ${MAX_KEY_BYTES} bytes`)
  return key
}

function checkedPage({ after = '', limit = Infinity }: ListPage): Required<ListPage> {
  if (limit !== Infinity && !(Number.isInteger(limit) && limit > 0))
    throw new RangeError(`the limit of a list must be a whole number above 0, got ${limit}`)
  return { after, limit }
}

async function inTransaction<T>(
  calls: StorageCalls,
  storage: PluginStorage,
  work: (storage: PluginStorage) => Promise<T>,
): Promise<T> {
  const id = await calls.begin()
  if (id === undefined) return keptBack(storage, work)
  let result: T
  try {
    result = await work(storageOf(calls, id))
  } catch (error) {
    // The host ends it too, with the connection: what went wrong first is what the caller should see.
    await calls.rollback(id).catch(() => undefined)
    throw error
  }
  await calls.commit(id)
  return result
}

async function keptBack<T>(storage: PluginStorage, work: (storage: PluginStorage) => Promise<T>): Promise<T> {
  const changes: Changes = new Map()
  const result = await work(overlayOf(storage, changes))
  for (const [key, change] of changes)
    await (change === undefined ? storage.delete(key) : storage.put(key, change.value, { sealWrap: change.sealWrap }))
  return result
}
