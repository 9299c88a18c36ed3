import { Buffer } from 'node:buffer'
import { StorageError } from '../../errors/index.ts'
import type { Store, StoreChange } from '../../ports/store.ts'
import { quota, quoted } from './key.ts'

/** Writes to one part of a store, and refuses what would make that part too large. */
export interface Usage {
  /** Keys are whole ones, of the store. @throws {StorageError} `ERR_PORTCULLIS_STORAGE_QUOTA`. */
  write(changes: readonly StoreChange[]): Promise<void>
}

/** Counts what lies below `prefix`, from the first write on. `maxBytes`: keys (below the prefix) and values together. */
export function createUsage(store: Store, prefix: string, maxBytes: number): Usage {
  return new CountedUsage(store, prefix, maxBytes)
}

const PAGE = 1000

/** Bytes of a key with its value. An object, so that each write knows its own from that of another. */
interface Size {
  readonly bytes: number
}

type Sizes = Map<string, Size>

/** What a write put into the sizes, and what stood there before. */
type Entry = readonly [key: string, size: Size | undefined, before: Size | undefined]

class CountedUsage implements Usage {
  readonly #store: Store
  readonly #prefix: string
  readonly #maxBytes: number
  readonly #inFlight = new Set<Promise<unknown>>()
  readonly #prefixBytes: number
  /** Of each key with its value; `undefined` until counted, and after a failed write, of which nobody knows what it did. */
  #sizes: Sizes | undefined
  #total = 0
  #counting: Promise<void> | undefined

  constructor(store: Store, prefix: string, maxBytes: number) {
    this.#store = store
    this.#prefix = prefix
    this.#maxBytes = maxBytes
    this.#prefixBytes = Buffer.byteLength(prefix)
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    if (this.#sizes !== undefined) return this.#write(this.#sizes, changes)
    // The caller may use its bytes again as soon as this call has returned.
    const own = changes.map(({ key, value }) => ({ key, value: value === undefined ? undefined : Buffer.from(value) }))
    while (this.#sizes === undefined) {
      this.#counting ??= this.#count().finally(() => {
        this.#counting = undefined
      })
      await this.#counting
    }
    return this.#write(this.#sizes, own)
  }

  async #write(sizes: Sizes, changes: readonly StoreChange[]): Promise<void> {
    const entries = this.#add(sizes, changes)
    const writing = this.#store.write(changes)
    this.#inFlight.add(writing)
    try {
      await writing
    } catch (error) {
      // To count anew for each refusal would let a plugin keep the host busy.
      if (isRefusal(error)) this.#takeBack(sizes, entries)
      else this.#sizes = undefined
      throw error
    } finally {
      this.#inFlight.delete(writing)
    }
  }

  #add(sizes: Sizes, changes: readonly StoreChange[]): readonly Entry[] {
    // The last of several changes of one key is what stays.
    const after = new Map(changes.map(({ key, value }) => [key, value]))
    const entries = [...after].map(
      ([key, value]): Entry => [key, value === undefined ? undefined : this.#sizeOf(key, value), sizes.get(key)],
    )
    const total = entries.reduce((sum, [, size, before]) => sum + bytesOf(size) - bytesOf(before), this.#total)
    if (total > this.#maxBytes && total > this.#total) {
      throw quota(`${quoted(this.#prefix)} would hold ${total} bytes, more than ${this.#maxBytes}`)
    }
    for (const [key, size] of entries) this.#put(sizes, key, size)
    return entries
  }

  #takeBack(sizes: Sizes, entries: readonly Entry[]): void {
    if (this.#sizes !== sizes) return
    for (const [key, size, before] of entries) if (sizes.get(key) === size) this.#put(sizes, key, before)
  }

  #put(sizes: Sizes, key: string, size: Size | undefined): void {
    this.#total += bytesOf(size) - bytesOf(sizes.get(key))
    if (size === undefined) sizes.delete(key)
    else sizes.set(key, size)
  }

  async #count(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
    const sizes = new Map<string, Size>()
    await this.#countBelow(this.#prefix, sizes)
    this.#total = [...sizes.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    this.#sizes = sizes
  }

  async #countBelow(prefix: string, sizes: Sizes): Promise<void> {
    let after = ''
    for (;;) {
      const names = await this.#store.list(prefix, { after, limit: PAGE })
      for (const name of names) {
        if (name.endsWith('/')) await this.#countBelow(prefix + name, sizes)
        await this.#countOne(prefix + name, sizes)
      }
      if (names.length < PAGE) return
      after = names.at(-1) ?? ''
    }
  }

  async #countOne(key: string, sizes: Sizes): Promise<void> {
    const value = await this.#store.get(key)
    if (value !== undefined) sizes.set(key, this.#sizeOf(key, value))
  }

  #sizeOf(key: string, value: Uint8Array): Size {
    return { bytes: Buffer.byteLength(key) - this.#prefixBytes + value.length }
  }
}

function bytesOf(size: Size | undefined): number {
  return size?.bytes ?? 0
}

/** Was the write refused before anything was written? */
function isRefusal(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof StorageError && error.code === 'ERR_PORTCULLIS_STORAGE_QUOTA')
}
