import { Buffer } from 'node:buffer'
import type { Store, StoreChange, StorePage } from '../../ports/store.ts'
import { systemClock } from '../../system/clock.ts'
import { InFlight } from './in-flight.ts'
import { checkChange, checkKey, closed, type StorageLimits } from './key.ts'
import { createKeyRing, type KeyRing, withNewTerm, withReserved } from './key-ring.ts'
import { corrupt, openRecord, sealRecord } from './record.ts'
import { KEY_RING_KEY, openKeyRing, type RingSeal, sealKeyRing } from './ring-seal.ts'

/** A {@link Store} that encrypts what it stores, and can change its keys. */
export interface Barrier extends Store {
  /** Encrypts with a new key from now on; what is stored stays readable, and as it is. Also done by itself, after so many writes. */
  rotate(): Promise<void>
  /** Seals the key ring with another root key. `records` are written in the same transaction. */
  rekey(seal: RingSeal, records: readonly StoreChange[]): Promise<void>
  status(): BarrierStatus
}

/** State of the keys; no key in it. */
export interface BarrierStatus {
  /** Number of the key that encrypts, from 1. */
  readonly term: number
  /** When it came; milliseconds since 1970. */
  readonly termCreatedAtMs: number
  /** Values encrypted with it, at most. */
  readonly writes: number
}

/** What a barrier has to know. */
export interface BarrierConfig {
  readonly limits: StorageLimits
  /** Values encrypted with one key before the next one comes. */
  readonly rotateAfterWrites: number
}

/** Where values lie in the store below; all that lies elsewhere is the barrier's own. */
const DATA = 'data/'
const CHECK_KEY = 'barrier/check'

/** Writes that are accounted for ahead: what a kill makes of them is counted as made. */
const RESERVED_AHEAD = 65_536

/** The first ring of an empty store, to be written with `records`; then {@link openBarrier}. */
export async function initialiseBarrier(
  store: Store,
  seal: RingSeal,
  { rotateAfterWrites }: BarrierConfig,
  records: readonly StoreChange[],
): Promise<void> {
  const ring = createKeyRing(systemClock.wallTime(), aheadOf(rotateAfterWrites))
  await store.write([...recordsOf(seal, ring), ...records])
}

/**
 * The barrier over `store`, with the ring that lies there.
 *
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_KEY`, `ERR_PORTCULLIS_STORAGE_CORRUPT`: the ring does not open, is
 *   missing, or is an older one that was put back.
 */
export async function openBarrier(store: Store, seal: RingSeal, config: BarrierConfig): Promise<Barrier> {
  const sealed = await store.get(KEY_RING_KEY)
  if (sealed === undefined) throw corrupt(KEY_RING_KEY, 'is gone: the storage holds data, but not its key ring')
  const ring = openKeyRing(seal, sealed)
  const check = await store.get(CHECK_KEY)
  if (check === undefined) throw corrupt(CHECK_KEY, 'is gone')
  const generation = openRecord((term) => ring.terms.get(term)?.secret, CHECK_KEY, check)
  if (generation.length !== 4 || generation.readUInt32BE() !== ring.generation) {
    throw corrupt(KEY_RING_KEY, 'is of another time than its check: one of them was put back')
  }
  return new EncryptingBarrier(store, seal, ring, config)
}

/** Is there a ring? */
export async function isInitialised(store: Store): Promise<boolean> {
  return (await store.get(KEY_RING_KEY)) !== undefined
}

class EncryptingBarrier implements Barrier {
  readonly #store: Store
  readonly #config: BarrierConfig
  readonly #inFlight = new InFlight()
  #seal: RingSeal
  #ring: KeyRing
  /** Values encrypted in the active term. Those of a process that was killed count as many as it had reserved. */
  #writes: number
  #reserving: Promise<void> | undefined
  #changing: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(store: Store, seal: RingSeal, ring: KeyRing, config: BarrierConfig) {
    this.#store = store
    this.#seal = seal
    this.#ring = ring
    this.#config = config
    this.#writes = ring.reservedWrites
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check()
    checkKey(key)
    const path = DATA + key
    const record = await this.#store.get(path)
    return record === undefined ? undefined : openRecord(this.#secretOf, path, record)
  }

  async list(prefix: string, page?: StorePage): Promise<readonly string[]> {
    this.#check()
    return this.#store.list(DATA + prefix, page)
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    this.#check()
    for (const change of changes) checkChange(change, this.#config.limits)
    // In the caller's turn, so that no copy of the clear text has to be kept.
    return this.#inFlight.hold(this.#write(changes.map((change) => this.#sealed(change))))
  }

  async rotate(): Promise<void> {
    this.#check()
    await this.#inFlight.hold(this.#change((ring) => this.#rotated(ring)))
  }

  async rekey(seal: RingSeal, records: readonly StoreChange[]): Promise<void> {
    this.#check()
    await this.#inFlight.hold(this.#change(withReserved, seal, records))
  }

  status(): BarrierStatus {
    const { number, createdAtMs } = this.#ring.active
    return { term: number, termCreatedAtMs: createdAtMs, writes: this.#writes }
  }

  close(): Promise<void> {
    this.#closing ??= this.#inFlight.idle().then(() => this.#store.close())
    return this.#closing
  }

  readonly #secretOf = (term: number): KeyRing['active']['secret'] | undefined => this.#ring.terms.get(term)?.secret

  #check(): void {
    if (this.#closing !== undefined) throw closed('behind the barrier')
  }

  #sealed({ key, value }: StoreChange): StoreChange {
    const path = DATA + key
    if (value === undefined) return { key: path, value }
    this.#writes += 1
    const { number, secret } = this.#ring.active
    return { key: path, value: sealRecord(secret, number, path, value) }
  }

  async #write(sealed: readonly StoreChange[]): Promise<void> {
    while (this.#writes > this.#ring.reservedWrites) await this.#reserve()
    await this.#store.write(sealed)
  }

  /** Nothing encrypted leaves this process before it is accounted for. */
  #reserve(): Promise<void> {
    this.#reserving ??= this.#change((ring) => {
      const { rotateAfterWrites } = this.#config
      if (this.#writes >= rotateAfterWrites) return this.#rotated(ring)
      return withReserved(ring, this.#writes + aheadOf(rotateAfterWrites))
    }).finally(() => {
      this.#reserving = undefined
    })
    return this.#reserving
  }

  #rotated(ring: KeyRing): KeyRing {
    return withNewTerm(ring, systemClock.wallTime(), aheadOf(this.#config.rotateAfterWrites))
  }

  /** One change of the ring after the other; it holds once it is stored. */
  #change(make: (ring: KeyRing) => KeyRing, seal?: RingSeal, records: readonly StoreChange[] = []): Promise<void> {
    const changed = this.#changing.then(() => this.#put(make(this.#ring), seal ?? this.#seal, records))
    this.#changing = changed.catch(() => {})
    return changed
  }

  async #put(ring: KeyRing, seal: RingSeal, records: readonly StoreChange[]): Promise<void> {
    await this.#store.write([...recordsOf(seal, ring), ...records])
    // Its check is the first value of a new term.
    this.#writes = ring.active.number === this.#ring.active.number ? this.#writes + 1 : 1
    this.#ring = ring
    this.#seal = seal
  }
}

/** The ring, sealed, and what shows that it is the latest. */
function recordsOf(seal: RingSeal, ring: KeyRing): readonly StoreChange[] {
  const generation = Buffer.alloc(4)
  generation.writeUInt32BE(ring.generation)
  const { number, secret } = ring.active
  return [
    { key: KEY_RING_KEY, value: sealKeyRing(seal, ring) },
    { key: CHECK_KEY, value: sealRecord(secret, number, CHECK_KEY, generation) },
  ]
}

function aheadOf(rotateAfterWrites: number): number {
  return Math.min(RESERVED_AHEAD, rotateAfterWrites)
}
