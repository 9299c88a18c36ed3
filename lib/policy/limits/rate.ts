/** How often something may be done. */
export interface Rate {
  /** Accesses in {@link perMs} in the long run; a whole number, 1 to {@link RATE_COUNT_MAX}. */
  readonly count: number
  /** Milliseconds, whole. */
  readonly perMs: number
  /** Accesses that may come at once after a quiet time; a whole number, 1 to {@link RATE_COUNT_MAX}. */
  readonly burst: number
}

/** Largest count and burst, so that all of the arithmetic below stays in whole numbers that a double holds. */
export const RATE_COUNT_MAX = 999_999_999

/**
 * A token bucket, as what is owed to it.
 *
 * One token costs `perMs` units, and each millisecond pays `count` of them off: whole numbers throughout, so that
 * nothing is lost or won by rounding, however long it runs. A bucket that owes nothing is full, and like a new one.
 */
export interface Bucket {
  /** By which rate it is counted. */
  rate: Rate
  /** Units owed at {@link atMs}: 0 to `burst * perMs`. */
  debt: number
  /** Whole milliseconds of a monotonic clock. */
  atMs: number
}

export function fullBucket(rate: Rate, nowMs: number): Bucket {
  return { rate, debt: 0, atMs: nowMs }
}

/**
 * Brings `bucket` up to `nowMs`: what the time since has paid off is no longer owed.
 *
 * A clock that went back pays nothing, and what it tells is where counting goes on from: nobody is given tokens for it, nor
 * kept out until it is back where it was. One that jumped ahead pays at most all that is owed.
 *
 * @param nowMs - Whole milliseconds, finite.
 */
export function settle(bucket: Bucket, nowMs: number): void {
  const paid = Math.max(0, nowMs - bucket.atMs) * bucket.rate.count
  bucket.debt = paid >= bucket.debt ? 0 : bucket.debt - paid
  bucket.atMs = nowMs
}

/**
 * Goes over to `rate`, where the rule has another one since: tokens that are owed stay owed, as far as the new burst can
 * owe them.
 */
export function adopt(bucket: Bucket, rate: Rate): void {
  const { rate: before, debt } = bucket
  if (before === rate) return
  bucket.rate = rate
  bucket.debt = Math.min(Math.ceil((debt / before.perMs) * rate.perMs), rate.burst * rate.perMs)
}

/** How long until a token is there; 0 where there is one. Whole milliseconds, for a bucket that is {@link settle settled}. */
export function waitMs({ rate: { count, perMs, burst }, debt }: Bucket): number {
  const lacking = debt + perMs - burst * perMs
  return lacking > 0 ? Math.ceil(lacking / count) : 0
}

/** Takes a token of a bucket whose {@link waitMs} is 0. */
export function take(bucket: Bucket): void {
  bucket.debt += bucket.rate.perMs
}
