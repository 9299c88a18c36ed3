import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Schedule } from '../../ports/schedule.ts'
import type { Store } from '../../ports/store.ts'
import type { Documents } from './documents.ts'
import type { Tell } from './events.ts'

/** What every part of the router reaches the outside through. */
export interface Context {
  readonly clock: Clock
  readonly random: Random
  readonly schedule: Schedule
  /** Below the barrier. */
  readonly store: Store
  readonly documents: Documents
  readonly tell: Tell
  /** Of mounts that set none; whole seconds. */
  readonly defaultLeaseTtlMs: number
  readonly maxLeaseTtlMs: number
}

/** Bound on what the host asks of a plugin by itself, as in the servers. */
export const OWN_CALL_LIMIT_MS = 90_000

/**
 * The reading of the monotonic clock at which the wall clock, going on as now, reads `wallMs`.
 *
 * Ends are kept by the wall clock, since only it goes on between two processes, and watched by the monotonic one,
 * which nobody can set.
 */
function dueOf(clock: Clock, wallMs: number): number {
  return wallMs === Infinity ? Infinity : clock.now() + (wallMs - clock.wallTime())
}

/** The times of a lease or token, by the wall clock. */
export interface Span {
  readonly issuedAtMs: number
  readonly renewedAtMs: number | null
  /** `null`: without end. */
  readonly expiresAtMs: number | null
}

/** As {@link dueOf}, but never later than it was granted for: a clock that is set back gives no time. */
export function dueOfSpan(clock: Clock, { issuedAtMs, renewedAtMs, expiresAtMs }: Span): number {
  if (expiresAtMs === null) return Infinity
  return Math.min(dueOf(clock, expiresAtMs), clock.now() + expiresAtMs - (renewedAtMs ?? issuedAtMs))
}

/** What the wall clock reads, or would, had nobody set it back since this was granted. */
export function wallTimeFor(clock: Clock, expiresAtMs: number | null, dueMs: number): number {
  return Math.max(clock.wallTime(), expiresAtMs === null ? 0 : expiresAtMs - (dueMs - clock.now()))
}
