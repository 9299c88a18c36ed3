/** Waits grow with failures up to this many times the usual one … */
const MAX_FACTOR = 10
/** … and no further than this, where the usual one is not longer itself. */
const MAX_BACKOFF_MS = 300_000

/**
 * How long to wait before the next look at the server.
 *
 * Up to a fifth is taken off by chance, since watches that were opened together must not look together for ever.
 * With each failure in a row the wait doubles: at most tenfold, and at most 5 min where `everyMs` is shorter than that.
 *
 * @param everyMs - Longest wait while the server answers.
 * @param failures - Looks that failed in a row.
 * @param retryAfterMs - What the server asked us to wait; 0 for nothing.
 * @param jitter - Number in [0, 1); 0 waits longest.
 * @returns Milliseconds.
 *
 * @example
 * pollDelay(30_000, 0, 0, 0)   // 30000
 * pollDelay(30_000, 0, 0, 0.5) // 27000
 * pollDelay(30_000, 2, 0, 0)   // 120000
 * pollDelay(30_000, 9, 0, 0)   // 300000
 */
export function pollDelay(everyMs: number, failures: number, retryAfterMs: number, jitter: number): number {
  const limitMs = Math.max(everyMs, Math.min(everyMs * MAX_FACTOR, MAX_BACKOFF_MS))
  const backedOffMs = Math.min(everyMs * 2 ** Math.min(failures, 10), limitMs)
  return Math.max(backedOffMs * (1 - jitter / 5), retryAfterMs)
}
