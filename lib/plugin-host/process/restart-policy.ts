/** How often a process has failed of late, and until when it is left alone. Immutable. */
export interface RestartState {
  /** Ends in a row, none after a long life. */
  readonly failures: number
  /** No start before this reading of the monotonic clock. */
  readonly notBeforeMs: number
}

/** What becomes of a call that needs the process. */
export type RestartVerdict =
  | { readonly kind: 'start' }
  /** Back-off: worth waiting for. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** The breaker is open. */
  | { readonly kind: 'refuse'; readonly ms: number }

/** A process that lived this long was well, whatever ended it. */
export const STABLE_MS = 60_000
/** Failures in a row that open the breaker. */
export const BREAKER_FAILURES = 5
const BASE_DELAY_MS = 100
const BASE_OPEN_MS = 10_000
const MAX_OPEN_MS = 300_000

/** Before anything has gone wrong. */
export const UNTROUBLED: RestartState = Object.freeze({ failures: 0, notBeforeMs: 0 })

/**
 * After an end (or a start that failed) at `nowMs`.
 *
 * The first is followed by a start at once. Then the delay doubles from 100 ms; from the fifth on the breaker is
 * open, for 10 s and twice as long each time, to 5 minutes. Its first start after that is the probe: one more
 * failure opens it again. Jitter takes away up to half, so that plugins that fell together do not rise together.
 *
 * @param aliveMs - How long it had been up; 0 for a start that failed.
 * @param jitter - Number in [0, 1); 0 waits longest.
 */
export function afterFailure(state: RestartState, nowMs: number, aliveMs: number, jitter: number): RestartState {
  const failures = aliveMs >= STABLE_MS ? 1 : state.failures + 1
  return { failures, notBeforeMs: nowMs + delayMs(failures) * (1 - jitter / 2) }
}

function delayMs(failures: number): number {
  if (failures <= 1) return 0
  if (failures < BREAKER_FAILURES) return BASE_DELAY_MS * 2 ** (failures - 2)
  return Math.min(MAX_OPEN_MS, BASE_OPEN_MS * 2 ** Math.min(failures - BREAKER_FAILURES, 16))
}

/** May it be started at `nowMs`? */
export function mayStart(state: RestartState, nowMs: number): RestartVerdict {
  const ms = Math.ceil(state.notBeforeMs - nowMs)
  if (ms <= 0) return { kind: 'start' }
  return { kind: state.failures >= BREAKER_FAILURES ? 'refuse' : 'wait', ms }
}
