import { Buffer } from 'node:buffer'
import type { Store, StoreChange, StorePage } from '../../ports/store.ts'

/** Changes and bytes that a transaction holds at most. */
const MAX_CHANGES = 10_000
const MAX_BYTES = 64 * 1024 * 1024

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
  #bytes = 0

  constructor(store: Store, startedAt: number, startedAtMs: number, isReadOnly: boolean) {
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
    this.#readKeys.add(key)
    return this.#changes.has(key) ? this.#changes.get(key) : await this.#store.get(key)
  }

  /** @throws {RangeError} it holds too much already. */
  set(key: string, value: Uint8Array | undefined): void {
    this.#bytes += Buffer.byteLength(key) + (value?.byteLength ?? 0)
    if (this.#changes.size >= MAX_CHANGES || this.#bytes > MAX_BYTES)
      throw new RangeError('the transaction is too large')
    this.#changes.set(key, value)
  }

  async list(prefix: string, { after = '', limit = Infinity }: StorePage = {}): Promise<readonly string[]> {
    this.#readPrefixes.add(prefix)
    const names = await this.#merged(prefix)
    const sorted = [...names].sort(bytewise)
    const start = after === '' ? 0 : sorted.findIndex((name) => bytewise(name, after) > 0)
    return start === -1 ? [] : sorted.slice(start, limit === Infinity ? undefined : start + limit)
  }

  async #merged(prefix: string): Promise<Set<string>> {
    const names = new Set(await this.#store.list(prefix))
    const emptied = new Set<string>()
    for (const [key, value] of this.#changes) {
      if (!key.startsWith(prefix)) continue
      const name = childOf(key.slice(prefix.length))
      if (value !== undefined) names.add(name)
      else if (name.endsWith('/')) emptied.add(name)
      else names.delete(name)
    }
    for (const name of emptied) if ((await this.#merged(prefix + name)).size === 0) names.delete(name)
    return names
  }
}

/** First step of a path, with its slash. */
function childOf(path: string): string {
  const slash = path.indexOf('/')
  return slash === -1 ? path : path.slice(0, slash + 1)
}

function bytewise(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
