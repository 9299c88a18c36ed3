/** One change of a {@link Store}; a `value` of `undefined` deletes. */
export interface StoreChange {
  readonly key: string
  readonly value: Uint8Array | undefined
}

/** Which part of a list is wanted. */
export interface StorePage {
  /** Names after this one, bytewise. Default: from the first. */
  readonly after?: string
  /** Names at most; `Infinity` for all. Default: all. */
  readonly limit?: number
}

/**
 * Durable storage of a plugin host: keys are text, parted by `/`, values are bytes.
 *
 * The driver below, the barrier that encrypts, and the view of one mount all have this shape. Not
 * transactional across calls; what stands in one {@link write} happens as a whole or not at all.
 */
export interface Store {
  /** The value; `undefined` where there is none. @throws {StorageError} `ERR_PORTCULLIS_STORAGE_*`. */
  get(key: string): Promise<Uint8Array | undefined>
  /**
   * Names directly below `prefix` (`''`, or ending in `/`), relative to it, sorted bytewise; a folder once, with a
   * trailing `/`. A key and a folder of the same name both appear (`a`, `a/`). Empty where there is nothing.
   */
  list(prefix: string, page?: StorePage): Promise<readonly string[]>
  /** All or nothing. Resolves once it is durable: a `kill -9` or a power cut after that loses nothing. */
  write(changes: readonly StoreChange[]): Promise<void>
  /** Waits for what is in flight. Idempotent. */
  close(): Promise<void>
}
