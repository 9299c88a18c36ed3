import { Buffer } from 'node:buffer'
import type { Store, StoreChange, StorePage } from '../../ports/store.ts'
import type { StorageDriver } from './driver.ts'
import { byteText, checkChange, checkKey, closed, DRIVER_LIMITS } from './key.ts'
import { namesBelow } from './names.ts'

/**
 * Storage in the memory of this process, for tests and demos: durable is only what "durable" means there.
 *
 * It is driver and store in one. What was written stays when it is closed, and `open()` brings it back, so that a
 * restart of what stands on it can be tried.
 */
export function memory(): Store & StorageDriver {
  return new MemoryStore()
}

class MemoryStore implements Store, StorageDriver {
  readonly name = 'memory'
  readonly #values = new Map<string, Uint8Array>()
  /** Keys as `byteText`, in order. */
  readonly #order: string[] = []
  #isClosed = false

  open(): Promise<Store> {
    this.#isClosed = false
    return Promise.resolve(this)
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check()
    checkKey(key)
    const value = this.#values.get(key)
    return value === undefined ? undefined : Buffer.from(value)
  }

  async list(prefix: string, page: StorePage = {}): Promise<readonly string[]> {
    this.#check()
    return namesBelow(prefix, page, (start) => this.#from(start))
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    this.#check()
    for (const change of changes) checkChange(change, DRIVER_LIMITS)
    for (const { key, value } of changes) this.#set(key, value)
  }

  close(): Promise<void> {
    this.#isClosed = true
    return Promise.resolve()
  }

  #check(): void {
    if (this.#isClosed) throw closed(this.name)
  }

  #set(key: string, value: Uint8Array | undefined): void {
    const isThere = this.#values.has(key)
    if (value !== undefined) this.#values.set(key, Buffer.from(value))
    else this.#values.delete(key)
    if (isThere === (value !== undefined)) return
    const bytes = byteText(key)
    const index = this.#search(bytes)
    if (isThere) this.#order.splice(index, 1)
    else this.#order.splice(index, 0, bytes)
  }

  *#from(start: string): Generator<string> {
    for (let index = this.#search(start); index < this.#order.length; index++) yield this.#order[index] ?? ''
  }

  /** Index of the first key at or after `bytes`. */
  #search(bytes: string): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#order[middle] ?? '') < bytes) low = middle + 1
      else high = middle
    }
    return low
  }
}
