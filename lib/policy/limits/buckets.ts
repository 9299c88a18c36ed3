import { adopt, type Bucket, fullBucket, type Rate, settle, take, waitMs } from './rate.ts'

/** Buckets kept at once, over all rules and callers; about 140 bytes each. */
export const BUCKETS_MAX = 100_000

/** A token that is to be taken. */
export interface Draw {
  readonly rate: Rate
  /** Whose bucket: rule and caller. */
  readonly key: string
  /** Of the rule alone. */
  readonly ruleKey: string
}

/** The first bucket without a token, and how long until all of them have one. */
export interface Lacking {
  /** Its place among the draws. */
  readonly at: number
  /** Whole milliseconds, above 0. */
  readonly waitMs: number
}

/** Buckets looked at in each draw, whether they are full again; more where there is no room. */
const LOOKS = 2
const LOOKS_WHEN_CROWDED = 16

/**
 * Token buckets by key, in bounded memory.
 *
 * One that is full again is forgotten: it is like a new one. A hand goes round and looks at a few in each draw, so that none
 * costs more than another. Where all are in use, callers without one share one of their rule: it owes at least what each of
 * them would, so nobody gets more than his own would give, and until it is full again they stay with it.
 */
export class Buckets {
  readonly #max: number
  readonly #buckets = new Map<string, Bucket>()
  /** By rule; of callers for whom there was no room. */
  readonly #shared = new Map<string, Bucket>()
  #hand: Iterator<[string, Bucket]> = this.#buckets.entries()
  #nowMs = 0

  constructor(max: number = BUCKETS_MAX) {
    this.#max = max
  }

  /** Buckets that are kept. */
  get size(): number {
    return this.#buckets.size + this.#shared.size
  }

  /**
   * Takes a token from each bucket, or from none.
   *
   * @param nowMs - Reading of a monotonic clock. One that is no number counts as the last that was one.
   */
  draw(draws: readonly Draw[], nowMs: number): Lacking | undefined {
    if (Number.isFinite(nowMs)) this.#nowMs = Math.floor(nowMs)
    // Before the first bucket is chosen: one that is about to be drawn from must not be forgotten.
    this.#tidy(this.#hasRoom() ? LOOKS : LOOKS_WHEN_CROWDED)
    const buckets = draws.map((draw) => this.#bucketOf(draw))
    const waits = buckets.map(waitMs)
    const at = waits.findIndex((wait) => wait > 0)
    if (at !== -1) return { at, waitMs: Math.max(...waits) }
    for (const bucket of buckets) take(bucket)
    return undefined
  }

  #bucketOf(draw: Draw): Bucket {
    const bucket = this.#known(draw) ?? this.#made(draw)
    settle(bucket, this.#nowMs)
    adopt(bucket, draw.rate)
    return bucket
  }

  #known({ key, ruleKey }: Draw): Bucket | undefined {
    const own = this.#buckets.get(key)
    if (own !== undefined) return own
    const shared = this.#shared.get(ruleKey)
    if (shared === undefined) return undefined
    settle(shared, this.#nowMs)
    if (shared.debt > 0 || !this.#hasRoom()) return shared
    this.#shared.delete(ruleKey)
    return undefined
  }

  #made({ key, ruleKey, rate }: Draw): Bucket {
    const bucket = fullBucket(rate, this.#nowMs)
    if (this.#hasRoom()) this.#buckets.set(key, bucket)
    else this.#shared.set(ruleKey, bucket)
    return bucket
  }

  #hasRoom(): boolean {
    return this.#buckets.size < this.#max
  }

  #tidy(looks: number): void {
    for (let look = 0; look < looks; look += 1) {
      const next = this.#hand.next()
      if (next.done === true) {
        this.#hand = this.#buckets.entries()
        return
      }
      const [key, bucket] = next.value
      settle(bucket, this.#nowMs)
      if (bucket.debt === 0) this.#buckets.delete(key)
    }
  }
}
