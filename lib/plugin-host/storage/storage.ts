import { checkNames, numberOption, typed } from '../../options/check.ts'
import type { Store } from '../../ports/store.ts'
import {
  type Barrier,
  type BarrierConfig,
  type BarrierStatus,
  initialiseBarrier,
  isInitialised,
  openBarrier,
} from './barrier.ts'
import type { StorageDriver } from './driver.ts'
import { DRIVER_LIMITS } from './key.ts'
import { corrupt, RECORD_OVERHEAD } from './record.ts'
import { createRingSeal, KEY_RING_KEY, type RingSeal } from './ring-seal.ts'
import type { RootKeySource } from './root-key.ts'

/** Options of {@link createStorage}. */
export interface StorageOptions {
  /** Where the bytes lie. */
  readonly driver: StorageDriver
  /** What seals the key ring. */
  readonly rootKey: RootKeySource
  /** Bytes of a key in UTF-8; 64 to 1400. Default: 1024. */
  readonly maxKeyBytes?: number
  /** Bytes of a value; 1024 to 32 MiB, less what encryption adds. Default: 1 MiB, as that of the servers. */
  readonly maxValueBytes?: number
  /**
   * Values that are encrypted with one key before a new one comes by itself; 1 to 2^31. Random nonces are safe up to
   * 2^32 values a key. Reached to within 65,536 and the writes in flight. Default: 2^30.
   */
  readonly rotateAfterWrites?: number
}

/** Encrypted storage of one plugin host. */
export interface Storage extends Store {
  /** Name of the driver, as `lmdb:/var/lib/app`. */
  readonly name: string
  /** Kind of the root key's source. */
  readonly rootKeyKind: RootKeySource['kind']
  /** Encrypts with a new key from now on. What is stored stays as it is, and readable. */
  rotate(): Promise<void>
  /**
   * Seals the key ring with another root key, in one transaction: a kill leaves the old or the new one in force. Keep
   * the old key until this has resolved and the configuration names the new one. A file for it may be made by `create`.
   *
   * Someone who had the old root key and a copy of the storage keeps what that copy holds; `rotate()` as well.
   */
  rekey(rootKey: RootKeySource): Promise<void>
  status(): BarrierStatus
}

const ROOT_KEY_KEY = 'barrier/root-key'
const OPTION_NAMES = ['driver', 'rootKey', 'maxKeyBytes', 'maxValueBytes', 'rotateAfterWrites']

/**
 * Opens an encrypted storage; an empty one gets its key ring.
 *
 * All values are encrypted with AES-256-GCM and bound to their key: changed, swapped or cut short, they are refused
 * (`ERR_PORTCULLIS_STORAGE_CORRUPT`), never read. A key ring that was put back alone is noticed.
 *
 * What it does not hide, from who can read or change what the driver stores: the names of keys, the sizes of values,
 * when and how often they change; that a value was deleted; that a value was put back to what it once was at the same
 * key; that all was put back to an older copy. What is deleted or overwritten can stay on the disk, encrypted.
 *
 * @throws {TypeError|RangeError} naming the option.
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_KEY`: no root key, or not the one it was sealed with.
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_CORRUPT`: what is there was not written so, or has lost its key ring.
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_LOCKED`, `ERR_PORTCULLIS_STORAGE_FAILED`: as the driver says.
 *
 * @example
 * const storage = await createStorage({
 *   driver: lmdb('/var/lib/app/storage'),
 *   rootKey: rootKeyFile('/etc/app/root.key', { create: true }),
 * })
 * await storage.write([{ key: 'sys/config', value: Buffer.from('{}') }])
 */
export async function createStorage(options: StorageOptions): Promise<Storage> {
  const config = configOf(options)
  const { driver, rootKey } = options
  const store = await driver.open()
  try {
    const barrier = await openBarrier(store, await unlock(store, rootKey, config), config)
    return storageOf(barrier, driver.name, rootKey)
  } catch (error) {
    await store.close()
    throw error
  }
}

function configOf(options: StorageOptions): BarrierConfig {
  checkNames('createStorage()', options, OPTION_NAMES)
  if (typeof options.driver?.open !== 'function')
    throw new TypeError(`driver must be a storage driver, got ${typed(options.driver)}`)
  if (typeof options.rootKey?.open !== 'function')
    throw new TypeError(`rootKey must be a source of a root key, got ${typed(options.rootKey)}`)
  const whole = (
    name: 'maxKeyBytes' | 'maxValueBytes' | 'rotateAfterWrites',
    fallback: number,
    min: number,
    max: number,
  ) => numberOption(name, options[name], fallback, { min, max, integer: true })
  return {
    limits: {
      maxKeyBytes: whole('maxKeyBytes', 1024, 64, 1400),
      maxValueBytes: whole('maxValueBytes', 1024 * 1024, 1024, DRIVER_LIMITS.maxValueBytes - RECORD_OVERHEAD),
    },
    rotateAfterWrites: whole('rotateAfterWrites', 2 ** 30, 1, 2 ** 31),
  }
}

/** The seal of the ring that is there, or of one that is made. */
async function unlock(store: Store, rootKey: RootKeySource, config: BarrierConfig): Promise<RingSeal> {
  const isFirst = !(await isInitialised(store))
  if (isFirst && (await store.list('', { limit: 1 })).length > 0) {
    throw corrupt(KEY_RING_KEY, 'is gone, but other data is there: it is not made anew over it')
  }
  const { key, toStore } = await rootKey.open(await store.get(ROOT_KEY_KEY), isFirst)
  const seal = createRingSeal(key)
  if (isFirst) await initialiseBarrier(store, seal, config, [{ key: ROOT_KEY_KEY, value: toStore }])
  return seal
}

function storageOf(barrier: Barrier, name: string, rootKey: RootKeySource): Storage {
  let kind = rootKey.kind
  return {
    name,
    get rootKeyKind() {
      return kind
    },
    get: (key) => barrier.get(key),
    list: (prefix, page) => barrier.list(prefix, page),
    write: (changes) => barrier.write(changes),
    rotate: () => barrier.rotate(),
    status: () => barrier.status(),
    async rekey(next) {
      const { key, toStore } = await next.open(undefined, true)
      await barrier.rekey(createRingSeal(key), [{ key: ROOT_KEY_KEY, value: toStore }])
      kind = next.kind
    },
    close: () => barrier.close(),
  }
}
