import { Buffer } from 'node:buffer'
import type { Store, StoreChange } from '../../ports/store.ts'
import { type ListPart, overlaid } from './overlay.ts'

/** Changes that a transaction holds at most. */
const MAX_CHANGES = 10_000

/** Bytes that the open transactions of a mount may hold together: changes, and names of what they have read. */
export interface TransactionBudget {
  leftBytes: number
}

/** Changes that wait for their commit, seen by the transaction's own reads. */
export class Transaction {
  readonly isReadOnly: boolean
  readonly startedAtMs: number
  /** Writes of the mount that were done when it began. */
  readonly startedAt: number
  readonly #store: Store
  readonly #changes = new Map<string, Uint8Array | undefined>()
  readonly #readKeys = new Set<string>()
  readonly #readPrefixes = new Set<string>()
  readonly #budget: TransactionBudget
  #bytes = 0

  constructor(store: Store, budget: TransactionBudget, startedAt: number, startedAtMs: number, isReadOnly: boolean) {
    this.#budget = budget
    this.#store = store
    this.startedAt = startedAt
    this.startedAtMs = startedAtMs
    this.isReadOnly = isReadOnly
  }

  get changes(): readonly StoreChange[] {
    return [...this.#changes].map(([key, value]) => ({ key, value }))
  }

  /** Would it have seen something else, had `key` been changed before it began? */
  hasRead(key: string): boolean {
    if (this.#readKeys.has(key)) return true
    for (const prefix of this.#readPrefixes) if (key.startsWith(prefix)) return true
    return false
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#remember(this.#readKeys, key)
    return this.#changes.has(key) ? this.#changes.get(key) : await this.#store.get(key)
  }

  /** @throws {RangeError} it holds too much already. */
  set(key: string, value: Uint8Array | undefined): void {
    if (this.#changes.size >= MAX_CHANGES) throw new RangeError('the transaction is too large')
    this.#spend(Buffer.byteLength(key) + (value?.byteLength ?? 0))
    this.#changes.set(key, value)
  }

  /** It is over: what it held is free again. Idempotent. */
  release(): void {
    this.#budget.leftBytes += this.#bytes
    this.#bytes = 0
  }

  /** Lists what lies below `prefix`, with its changes. @throws {RangeError} as {@link overlaid}. */
  list(prefix: string): Promise<ListPart> {
    this.#remember(this.#readPrefixes, prefix)
    return overlaid(this.#store, prefix, this.#changes)
  }

  #remember(names: Set<string>, name: string): void {
    if (names.has(name)) return
    this.#spend(Buffer.byteLength(name))
    names.add(name)
  }

  #spend(bytes: number): void {
    if (bytes > this.#budget.leftBytes) throw new RangeError('the open transactions are too large')
    this.#budget.leftBytes -= bytes
    this.#bytes += bytes
  }
}
