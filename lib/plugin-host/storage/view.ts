import type { Store, StoreChange, StorePage } from '../../ports/store.ts'
import { InFlight } from './in-flight.ts'
import { checkKey, closed, quoted } from './key.ts'
import { createUsage, type Usage } from './usage.ts'

/** Options of {@link viewOf}. */
export interface ViewOptions {
  /** Bytes of keys and values together that may lie below the prefix. Default: `Infinity`, not counted. */
  readonly maxBytes?: number
  /**
   * Which keys are taken. `strict` refuses `..`, an empty segment, `/` at either end and control characters;
   * `server` refuses `..` alone, which is all that Vault and OpenBao refuse: for plugins that were written for them. Default: `strict`.
   */
  readonly keys?: 'strict' | 'server'
}

/**
 * What one mount sees of `store`: the part below `prefix`, and nothing else, like a chroot.
 *
 * With `maxBytes`, the first write reads all that is there, to count it, and each later one what it replaces. Then there
 * may be a million keys, too. Writes in flight at the same time count before they are acknowledged, so the quota is never
 * passed.
 * `close()` waits for this view's calls and closes the view, not the store.
 *
 * @param prefix - Ends in `/`.
 * @throws {TypeError} `prefix` does not end in `/`.
 * @throws {StorageError} by its calls, `ERR_PORTCULLIS_STORAGE_QUOTA`: the write would pass `maxBytes`. Nothing was written.
 * @throws {TypeError} by its calls: the key is refused; for `..` with the words that plugins know, `relative paths not supported`.
 *
 * @example
 * const view = viewOf(store, 'logical/4f5e/')
 * await view.write([{ key: 'config', value }]) // at logical/4f5e/config
 */
export function viewOf(store: Store, prefix: string, options: ViewOptions = {}): Store {
  if (!prefix.endsWith('/')) throw new TypeError(`the prefix of a view must end in "/", got ${quoted(prefix)}`)
  return new View(store, prefix, options)
}

/** What plugins of the field compare. */
const RELATIVE = 'relative paths not supported'
const CONTROL = /[\0-\x1f\x7f]/

class View implements Store {
  readonly #store: Store
  readonly #prefix: string
  readonly #isStrict: boolean
  readonly #usage: Usage | undefined
  readonly #inFlight = new InFlight()
  #isClosed = false

  constructor(store: Store, prefix: string, { maxBytes = Infinity, keys = 'strict' }: ViewOptions) {
    this.#store = store
    this.#prefix = prefix
    this.#isStrict = keys === 'strict'
    this.#usage = maxBytes === Infinity ? undefined : createUsage(store, prefix, maxBytes)
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check(key)
    return this.#inFlight.hold(this.#store.get(this.#prefix + key))
  }

  async list(prefix: string, page?: StorePage): Promise<readonly string[]> {
    this.#checkOpen()
    if (prefix.endsWith('/')) this.#check(prefix.slice(0, -1))
    else if (prefix !== '') this.#checkPart(prefix)
    return this.#inFlight.hold(this.#store.list(this.#prefix + prefix, page))
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    this.#checkOpen()
    const below = changes.map(({ key, value }) => {
      this.#check(key)
      return { key: this.#prefix + key, value }
    })
    const usage = this.#usage
    return this.#inFlight.hold(usage === undefined ? this.#store.write(below) : usage.write(below))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#inFlight.idle()
  }

  /** A prefix without a slash at its end: the server lists names that go on from there, `strict` does not. */
  #checkPart(prefix: string): void {
    if (this.#isStrict) throw new TypeError(`a prefix to list must end in "/", got ${quoted(prefix)}`)
    this.#check(prefix)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed(quoted(this.#prefix))
  }

  #check(key: string): void {
    this.#checkOpen()
    checkKey(key)
    if (key.includes('..')) throw new TypeError(RELATIVE)
    if (!this.#isStrict) return
    if (key.startsWith('/') || key.endsWith('/') || key.includes('//'))
      throw new TypeError(`the storage key ${quoted(key)} has an empty segment`)
    if (CONTROL.test(key)) throw new TypeError(`the storage key ${quoted(key)} has a control character`)
  }
}
