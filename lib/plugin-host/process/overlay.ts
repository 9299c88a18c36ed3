import { Buffer } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Store, StorePage } from '../../ports/store.ts'

/** Gives one part of a list; `limit` is not `Infinity`. */
export type ListPart = (page: Required<StorePage>) => Promise<readonly string[]>

/** Changes that are not in the store yet; `undefined` deletes. */
export type Changes = ReadonlyMap<string, Uint8Array | undefined>

/** Names that are asked of the store in one piece. */
const PAGE = 1000
/** Folders that are looked into, whether anything is left in them; each takes a look at all changes. */
const MAX_LOOKS = 1000
/** Looks without a turn of the event loop between. */
const LOOKS_AT_ONCE = 16

/**
 * The list of what lies below `prefix` in `store`, as it will be once `changes` are made.
 *
 * @throws {RangeError} the changes empty more folders than can be looked into.
 */
export async function overlaid(store: Store, prefix: string, changes: Changes): Promise<ListPart> {
  const own = namesBelow(prefix, changes)
  const gone = await new Looks(store, changes).gone(prefix, own)
  const added = [...own].filter(([, isThere]) => isThere).map(([name]) => name)
  added.sort(bytewise)
  return async ({ after, limit }) => {
    const asked = Math.min(PAGE, limit + gone.size)
    const names: string[] = []
    for (let from = after; ; ) {
      const stored = await store.list(prefix, { after: from, limit: asked })
      // Behind the last of a part nobody knows yet what there is.
      const last = stored.length < asked ? undefined : stored.at(-1)
      names.push(...merged(stored, gone, between(added, from, last)))
      if (last === undefined || names.length >= limit) return names.slice(0, limit)
      from = last
    }
  }
}

/** What the changes say of the names directly below `prefix`: is anything written there, or only deleted? */
function namesBelow(prefix: string, changes: Changes): ReadonlyMap<string, boolean> {
  const names = new Map<string, boolean>()
  for (const [key, value] of changes) {
    if (!key.startsWith(prefix)) continue
    const name = childOf(key, prefix.length)
    names.set(name, value !== undefined || names.get(name) === true)
  }
  return names
}

/** Finds the names that are no more: those deleted, and folders of which nothing is left. */
class Looks {
  readonly #store: Store
  readonly #changes: Changes
  #made = 0

  constructor(store: Store, changes: Changes) {
    this.#store = store
    this.#changes = changes
  }

  async gone(prefix: string, own: ReadonlyMap<string, boolean>): Promise<ReadonlySet<string>> {
    const gone = new Set<string>()
    for (const [name, isThere] of own) {
      if (isThere) continue
      if (!name.endsWith('/') || (await this.#isEmpty(prefix + name))) gone.add(name)
    }
    return gone
  }

  async #isEmpty(folder: string): Promise<boolean> {
    this.#made += 1
    if (this.#made > MAX_LOOKS) throw new RangeError('the transaction has emptied too many folders to be listed')
    if (this.#made % LOOKS_AT_ONCE === 0) await nextTurn()
    const own = namesBelow(folder, this.#changes)
    const stored = await this.#store.list(folder, { limit: own.size + 1 })
    if (stored.some((name) => !own.has(name))) return false
    const gone = await this.gone(folder, own)
    return stored.every((name) => gone.has(name))
  }
}

function merged(stored: readonly string[], gone: ReadonlySet<string>, added: readonly string[]): readonly string[] {
  const left = gone.size === 0 ? stored : stored.filter((name) => !gone.has(name))
  return added.length === 0 ? left : [...new Set([...left, ...added])].sort(bytewise)
}

/** Of `sorted` those after `after`, up to `last`. */
function between(sorted: readonly string[], after: string, last: string | undefined): readonly string[] {
  return sorted.slice(behind(sorted, after), last === undefined ? undefined : behind(sorted, last))
}

/** Index of the first that comes after `name`. */
function behind(sorted: readonly string[], name: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (bytewise(sorted[middle] ?? '', name) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

/** First step of a path from `start` on, with its slash. */
function childOf(path: string, start: number): string {
  const slash = path.indexOf('/', start)
  return slash === -1 ? path.slice(start) : path.slice(start, slash + 1)
}

function bytewise(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
