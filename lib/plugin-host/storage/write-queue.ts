import { Buffer } from 'node:buffer'
import type { StoreChange } from '../../ports/store.ts'

/** Changes of many writes as one: the last of each key. */
export type Batch = ReadonlyMap<string, Uint8Array | undefined>

/** Bytes of values after which a batch takes no further write; a single write is never parted. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024

interface Waiting {
  readonly changes: readonly StoreChange[]
  readonly bytes: number
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Makes one transaction of the writes that come while another is on its way to the disk.
 *
 * Writes keep the order of their calls. Those of one batch happen together or not at all.
 */
export class WriteQueue {
  readonly #commit: (batch: Batch) => Promise<void>
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  /** @param commit - Resolves when the batch is durable; never called while another call is on its way. */
  constructor(commit: (batch: Batch) => Promise<void>) {
    this.#commit = commit
  }

  /** Resolves when the changes are durable. Values are copied at once: the caller may wipe its own. */
  write(changes: readonly StoreChange[]): Promise<void> {
    if (changes.length === 0) return Promise.resolve()
    const own = changes.map(({ key, value }) => ({ key, value: value === undefined ? undefined : Buffer.from(value) }))
    const bytes = own.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    return new Promise((done, failed) => {
      this.#waiting.push({ changes: own, bytes, done, failed })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    // Lets those who write in the same turn come along.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#runOne(this.#take())
    this.#running = undefined
  }

  async #runOne(writes: readonly Waiting[]): Promise<void> {
    const batch = new Map<string, Uint8Array | undefined>()
    for (const { changes } of writes) for (const { key, value } of changes) batch.set(key, value)
    try {
      await this.#commit(batch)
      for (const { done } of writes) done()
    } catch (error) {
      for (const { failed } of writes) failed(error)
    }
  }

  #take(): readonly Waiting[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && (count === 0 || bytes < MAX_BATCH_BYTES)) {
      bytes += this.#waiting[count]?.bytes ?? 0
      count += 1
    }
    const taken = this.#waiting
    this.#waiting = taken.splice(count)
    return taken
  }
}
