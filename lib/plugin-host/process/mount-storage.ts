import { Buffer } from 'node:buffer'
import { StorageError } from '../../errors/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Store, StoreChange, StorePage } from '../../ports/store.ts'
import { STORAGE_TEXTS } from '../wire/storage.ts'
import { ListTooLarge, listed } from './listed.ts'
import { Transaction, type TransactionBudget } from './transaction.ts'
import { Turns } from './turns.ts'

/** Bounds of one entry, in bytes. How much a whole mount may hold is the affair of the view that is handed in. */
export interface StorageLimits {
  readonly maxKeyBytes: number
  readonly maxValueBytes: number
}

export interface MountStorageParts {
  readonly store: Store
  readonly limits: StorageLimits
  /** Bytes that the names of one list may take; more has to be asked for in pages. Default: 32 MiB. */
  readonly maxListBytes?: number
  readonly clock: Clock
  readonly random: Random
}

/** Transactions of a mount that are open at once. */
const MAX_OPEN = 128
/** Bytes that they hold together. */
const MAX_OPEN_BYTES = 64 * 1024 * 1024
/** Written keys that are remembered while transactions are open: beyond it nobody knows any more what they would miss. */
const MAX_WRITTEN = 50_000
/** One that is neither committed nor rolled back for so long was forgotten. */
const MAX_AGE_MS = 600_000
/** Bytes of values on their way to the disk at once; a value more waits, as the bytes that came over the wire. */
const WRITTEN_AT_ONCE = 16 * 1024 * 1024
/** Lists of more than a page under way at once. */
const LONG_LISTS_AT_ONCE = 2
const MAX_LIST_BYTES = 32 * 1024 * 1024

/** What the plugin is told, word for word. Nothing else of an error reaches it. */
export class StorageRefusal extends Error {}

/** A mount's storage as its backend sees it: keys checked, sizes bounded, transactions. */
export class MountStorage {
  readonly #store: Store
  readonly #limits: StorageLimits
  readonly #clock: Clock
  readonly #random: Random
  readonly #open = new Map<string, Transaction>()
  /** Keys written while transactions are open, with the number of that write; `Infinity` while it is under way. */
  readonly #written = new Map<string, number>()
  readonly #budget: TransactionBudget = { leftBytes: MAX_OPEN_BYTES }
  readonly #writing = new Turns(WRITTEN_AT_ONCE)
  readonly #listing = new Turns(LONG_LISTS_AT_ONCE)
  readonly #maxListBytes: number
  #writes = 0

  constructor({ store, limits, clock, random, maxListBytes = MAX_LIST_BYTES }: MountStorageParts) {
    this.#store = store
    this.#maxListBytes = maxListBytes
    this.#limits = limits
    this.#clock = clock
    this.#random = random
  }

  get(key: string, txn: string): Promise<Uint8Array | undefined> {
    checkKey(key)
    // Plugins of the field read it for a path without a name, and count on there being nothing.
    if (key === '') return Promise.resolve(undefined)
    return txn === '' ? this.#store.get(key) : this.#transaction(txn).get(key)
  }

  /** @throws {StorageRefusal} by its promise: the names are more than a message may hold. */
  async list(prefix: string, txn: string, page: StorePage = {}): Promise<readonly string[]> {
    checkKey(prefix)
    // A prefix that is a part of a name matches nothing; the store takes whole ones alone.
    if (prefix !== '' && !prefix.endsWith('/')) return []
    const ofStore = (some: StorePage): Promise<readonly string[]> => this.#store.list(prefix, some)
    const part = txn === '' ? ofStore : await this.#transaction(txn).list(prefix)
    try {
      return await listed(part, page, { maxBytes: this.#maxListBytes, turns: this.#listing })
    } catch (error) {
      throw error instanceof ListTooLarge ? new StorageRefusal(error.message) : error
    }
  }

  /** `undefined` deletes. */
  async write(key: string, value: Uint8Array | undefined, txn: string): Promise<void> {
    checkKey(key)
    // There is nothing to delete at what is no name: a deletion of nothing is well.
    if (value === undefined && (key === '' || key.endsWith('/'))) return
    if (key === '' || key.endsWith('/')) throw new StorageRefusal('a key must have a name')
    this.#checkSize(key, value)
    if (txn === '') {
      const changes = [{ key, value }]
      await this.#inTurn(changes, () => changes)
      return
    }
    const transaction = this.#transaction(txn)
    if (transaction.isReadOnly) throw new StorageRefusal(STORAGE_TEXTS.readOnly)
    transaction.set(key, value)
  }

  begin(isReadOnly: boolean): string {
    for (const [id, { startedAtMs }] of this.#open) {
      if (this.#clock.now() - startedAtMs > MAX_AGE_MS) this.#end(id)
    }
    if (this.#open.size >= MAX_OPEN) throw new StorageRefusal('too many transactions are open')
    const id = this.#random.uuid()
    this.#open.set(id, new Transaction(this.#store, this.#budget, this.#writes, this.#clock.now(), isReadOnly))
    return id
  }

  async commit(txn: string): Promise<void> {
    try {
      // It stays open until its turn has come: what is written meanwhile is held against what it has read.
      await this.#inTurn(this.#transaction(txn).changes, () => {
        const transaction = this.#end(txn)
        this.#checkReads(transaction)
        return transaction.changes
      })
    } finally {
      this.#forget()
    }
  }

  rollback(txn: string): void {
    this.#end(txn)
    this.#forget()
  }

  /** Its process is gone, and nobody is left who could end them. */
  dropTransactions(): void {
    for (const id of [...this.#open.keys()]) this.#end(id)
    this.#forget()
  }

  /** Once there is room for `changes`, writes those that `confirmed` gives: nothing comes between it and the store's own call. */
  async #inTurn(changes: readonly StoreChange[], confirmed: () => readonly StoreChange[]): Promise<void> {
    const bytes = changes.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0)
    const turn = this.#writing.begin(bytes)
    if (turn !== undefined) await turn
    try {
      await this.#apply(confirmed())
    } finally {
      this.#writing.end(bytes)
    }
  }

  async #apply(changes: readonly StoreChange[]): Promise<void> {
    if (changes.length === 0) return
    for (const { key } of changes) this.#written.set(key, Infinity)
    try {
      await this.#store.write(changes)
    } finally {
      this.#writes++
      for (const { key } of changes) this.#written.set(key, this.#writes)
      if (this.#written.size > MAX_WRITTEN) this.dropTransactions()
      else this.#forget()
    }
  }

  #checkSize(key: string, value: Uint8Array | undefined): void {
    const { maxKeyBytes, maxValueBytes } = this.#limits
    const isTooLarge = Buffer.byteLength(key) > maxKeyBytes || (value?.byteLength ?? 0) > maxValueBytes
    if (!isTooLarge) return
    throw new StorageError('ERR_PORTCULLIS_STORAGE_QUOTA', 'a key or value is larger than the limit of the host')
  }

  #checkReads(transaction: Transaction): void {
    for (const [key, at] of this.#written) {
      if (at > transaction.startedAt && transaction.hasRead(key))
        throw new StorageRefusal('transaction commit failed: what it read has changed since')
    }
  }

  #transaction(txn: string): Transaction {
    const transaction = this.#open.get(txn)
    if (transaction === undefined) throw new StorageRefusal('unknown transaction')
    return transaction
  }

  #end(txn: string): Transaction {
    const transaction = this.#transaction(txn)
    this.#open.delete(txn)
    transaction.release()
    return transaction
  }

  #forget(): void {
    if (this.#open.size > 0) return
    for (const [key, at] of this.#written) if (at !== Infinity) this.#written.delete(key)
  }
}

function checkKey(key: string): void {
  if (key.includes('..')) throw new StorageRefusal(STORAGE_TEXTS.relativePath)
}
