/** Longest wait, as a multiple of the first. */
const MOST = 60

/**
 * How long to wait after so many failures in a row.
 *
 * Doubles from `firstMs` to 60 times that, and is then shortened by up to a half, so that those who lost one receiver do not
 * come back to it at once.
 *
 * @param failures - From 1.
 * @param jitter - In [0, 1); 0 waits longest.
 * @returns Milliseconds.
 */
export function backOff(failures: number, firstMs: number, jitter: number): number {
  const longestMs = firstMs * Math.min(2 ** (failures - 1), MOST)
  return longestMs * (1 - jitter / 2)
}

/** Entries in the next batch: half after a failure, so that one too large or one bad entry is found; twice after a success. */
export function nextBatchSize(size: number, hasFailed: boolean, max: number): number {
  return hasFailed ? Math.max(1, Math.floor(size / 2)) : Math.min(max, size * 2)
}
