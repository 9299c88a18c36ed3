import { Buffer } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { StorageError } from '../../errors/index.ts'
import type { Store, StoreChange } from '../../ports/store.ts'
import { quota, quoted } from './key.ts'

/** Writes to one part of a store, and refuses what would make that part too large. */
export interface Usage {
  /** Keys are whole ones, of the store. @throws {StorageError} `ERR_PORTCULLIS_STORAGE_QUOTA`. */
  write(changes: readonly StoreChange[]): Promise<void>
}

/**
 * Counts what lies below `prefix`, from the first write on. `maxBytes`: keys (below the prefix) and values together.
 *
 * Only sums are kept: what a write replaces is looked up in the store, so that a million keys cost no memory.
 */
export function createUsage(store: Store, prefix: string, maxBytes: number): Usage {
  return new CountedUsage(store, prefix, maxBytes)
}

/** Keys that one counted part may hold: on a disk even an empty one takes more than a hundred bytes. */
export const MAX_KEYS = 1_000_000
const PAGE = 1000
/** Values read at once, and then a turn of the event loop: others are served while a million keys are counted. */
const READ_AT_ONCE = 64

/** What there is. Thrown away after a write of which nobody knows what it did. */
interface Count {
  bytes: number
  keys: number
  /** What writes under way are about to free: it is there as long as they can still be refused. */
  freedBytes: number
  freedKeys: number
  /** Keys that writes are about, whether they still look or are on their way. */
  readonly held: Map<string, Held>
}

/** What stands, or will stand, at a key: bytes with the key; `undefined` for nothing. */
interface Standing {
  readonly bytes: number | undefined
  /** The write that it is of, while that is under way. */
  readonly by: Writing | undefined
}

interface Held {
  standing: Standing
  /** Looked up in the store. */
  readonly ready: Promise<void>
  uses: number
}

/** One write: what it makes of each key, and what stood there before. */
interface Writing {
  readonly after: ReadonlyMap<string, number | undefined>
  readonly before: Map<string, Standing>
  freedBytes: number
  freedKeys: number
  /** It was refused, and nothing written. */
  isVoid: boolean
}

const NOTHING: Standing = Object.freeze({ bytes: undefined, by: undefined })

class CountedUsage implements Usage {
  readonly #store: Store
  readonly #prefix: string
  readonly #maxBytes: number
  readonly #inFlight = new Set<Promise<unknown>>()
  readonly #prefixBytes: number
  /** Resolves once the last write that was asked for has gone on to the store: they go in their order. */
  #last: Promise<void> = Promise.resolve()
  #count: Count | undefined
  #counting: Promise<void> | undefined

  constructor(store: Store, prefix: string, maxBytes: number) {
    this.#store = store
    this.#prefix = prefix
    this.#maxBytes = maxBytes
    this.#prefixBytes = Buffer.byteLength(prefix)
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    // The caller may use its bytes again as soon as this call has returned.
    const own = changes.map(({ key, value }) => ({ key, value: value === undefined ? undefined : Buffer.from(value) }))
    // The last of several changes of one key is what stays.
    const after = new Map(
      own.map(({ key, value }) => [key, value === undefined ? undefined : this.#sizeOf(key, value)]),
    )
    for (let isDone = false; !isDone; ) {
      const count = this.#count ?? (await this.#counted())
      if (count !== undefined) isDone = await this.#tryWrite(count, own, after)
    }
  }

  /** @returns whether it came to a write; not where `count` was thrown away meanwhile. */
  async #tryWrite(count: Count, changes: readonly StoreChange[], after: Writing['after']): Promise<boolean> {
    const held = [...after.keys()].map((key) => this.#hold(count, key))
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#last
    this.#last = promise
    try {
      await Promise.all([before, ...held.map(({ ready }) => ready)])
      if (this.#count !== count) return false
      const writing: Writing = { after, before: new Map(), freedBytes: 0, freedKeys: 0, isVoid: false }
      this.#reserve(count, writing)
      const sent = this.#store.write(changes)
      resolve()
      await this.#sent(count, sent, writing)
      return true
    } finally {
      resolve()
      for (const key of after.keys()) release(count, key)
    }
  }

  async #sent(count: Count, sent: Promise<void>, writing: Writing): Promise<void> {
    this.#inFlight.add(sent)
    try {
      await sent
      // It happened: nobody goes back behind it, and none of those before it is kept alive by it.
      writing.before.clear()
    } catch (error) {
      // To count anew for each refusal would let a plugin keep the host busy.
      if (isRefusal(error)) takeBack(count, writing)
      else if (this.#count === count) this.#count = undefined
      throw error
    } finally {
      count.freedBytes -= writing.freedBytes
      count.freedKeys -= writing.freedKeys
      this.#inFlight.delete(sent)
    }
  }

  /** From here on others see what the write will have made. */
  #reserve(count: Count, writing: Writing): void {
    let { bytes, keys } = count
    for (const [key, size] of writing.after) {
      const before = count.held.get(key)?.standing ?? NOTHING
      writing.before.set(key, before)
      const [moreBytes, moreKeys] = [(size ?? 0) - (before.bytes ?? 0), countOf(size) - countOf(before.bytes)]
      bytes += moreBytes
      keys += moreKeys
      writing.freedBytes += Math.max(0, -moreBytes)
      writing.freedKeys += Math.max(0, -moreKeys)
    }
    this.#check(count, bytes, keys)
    count.freedBytes += writing.freedBytes
    count.freedKeys += writing.freedKeys
    count.bytes = bytes
    count.keys = keys
    for (const [key, size] of writing.after) stand(count, key, { bytes: size, by: writing })
  }

  /** @throws {StorageError} more than there may be; to shrink is always well. */
  #check(count: Count, bytes: number, keys: number): void {
    if (bytes + count.freedBytes > this.#maxBytes && bytes > count.bytes)
      throw quota(`${quoted(this.#prefix)} would hold ${bytes} bytes, more than ${this.#maxBytes}`)
    if (keys + count.freedKeys > MAX_KEYS && keys > count.keys)
      throw quota(`${quoted(this.#prefix)} would hold ${keys} keys, more than ${MAX_KEYS}`)
  }

  #hold(count: Count, key: string): Held {
    const known = count.held.get(key)
    if (known !== undefined) {
      known.uses += 1
      return known
    }
    const ready = this.#store.get(key).then((value) => {
      if (value !== undefined) held.standing = { bytes: this.#sizeOf(key, value), by: undefined }
    })
    const held: Held = { standing: NOTHING, ready, uses: 1 }
    count.held.set(key, held)
    return held
  }

  async #counted(): Promise<Count | undefined> {
    this.#counting ??= this.#countAll().finally(() => {
      this.#counting = undefined
    })
    await this.#counting
    return this.#count
  }

  async #countAll(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
    const count: Count = { bytes: 0, keys: 0, freedBytes: 0, freedKeys: 0, held: new Map() }
    await this.#countBelow(this.#prefix, count)
    this.#count = count
  }

  async #countBelow(prefix: string, count: Count): Promise<void> {
    let after = ''
    for (;;) {
      const names = await this.#store.list(prefix, { after, limit: PAGE })
      for (let at = 0; at < names.length; at += READ_AT_ONCE) {
        await Promise.all(names.slice(at, at + READ_AT_ONCE).map((name) => this.#countOne(prefix + name, count)))
        await nextTurn()
      }
      for (const name of names) if (name.endsWith('/')) await this.#countBelow(prefix + name, count)
      if (names.length < PAGE) return
      after = names.at(-1) ?? ''
    }
  }

  async #countOne(key: string, count: Count): Promise<void> {
    const value = await this.#store.get(key)
    if (value === undefined) return
    count.bytes += this.#sizeOf(key, value)
    count.keys += 1
  }

  #sizeOf(key: string, value: Uint8Array): number {
    return Buffer.byteLength(key) - this.#prefixBytes + value.length
  }
}

function countOf(bytes: number | undefined): number {
  return bytes === undefined ? 0 : 1
}

function stand(count: Count, key: string, standing: Standing): void {
  const held = count.held.get(key)
  if (held !== undefined) held.standing = standing
}

/** What later writes made of a key is theirs: they are told what it had been, should they be refused, too. */
function takeBack(count: Count, writing: Writing): void {
  writing.isVoid = true
  for (const [key, size] of writing.after) {
    if (count.held.get(key)?.standing.by !== writing) continue
    let before = writing.before.get(key) ?? NOTHING
    while (before.by?.isVoid === true) before = before.by.before.get(key) ?? NOTHING
    count.bytes += (before.bytes ?? 0) - (size ?? 0)
    count.keys += countOf(before.bytes) - countOf(size)
    stand(count, key, before)
  }
}

function release(count: Count, key: string): void {
  const held = count.held.get(key)
  if (held === undefined) return
  held.uses -= 1
  if (held.uses === 0) count.held.delete(key)
}

/** Was the write refused before anything was written? */
function isRefusal(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof StorageError && error.code === 'ERR_PORTCULLIS_STORAGE_QUOTA')
}
