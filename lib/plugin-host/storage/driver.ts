import type { Store } from '../../ports/store.ts'

/** Where the bytes of a storage lie: {@link memory}, `lmdb(folder)`, `postgres(options)`, or a driver of your own. */
export interface StorageDriver {
  /** For messages and logs: `memory`, `lmdb:/var/lib/app`; holds no secret. */
  readonly name: string
  /**
   * Takes hold of the storage, for this process alone; the store's `close()` lets go of it.
   *
   * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_LOCKED`: another process, or another open store of this one, holds it.
   * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_FAILED`: it cannot be opened.
   */
  open(): Promise<Store>
}
