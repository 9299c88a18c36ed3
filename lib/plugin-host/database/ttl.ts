import type { EngineContext } from './context.ts'
import type { RoleRecord } from './records.ts'
import { fail } from './reply.ts'

/** A user outlives its lease by this, since the lease begins a little later than the user; milliseconds. */
const GRACE_MS = 5_000

/**
 * When the database is to end a user by itself: the end of the lease, and a little more.
 *
 * @param incrementMs - Asked for by a renewal; 0 for none.
 * @param issuedAtMs - When the lease began.
 * @throws {Refusal} 500: the lease is at its last end.
 */
export function userEnd(
  { view, clock }: EngineContext,
  { defaultTtlMs, maxTtlMs }: RoleRecord,
  incrementMs: number,
  issuedAtMs: number,
): number {
  const nowMs = clock.wallTime()
  const wantedMs = incrementMs || defaultTtlMs || view.defaultLeaseTtlMs
  const longestMs = Math.min(view.maxLeaseTtlMs, maxTtlMs || Infinity)
  const leftMs = issuedAtMs + longestMs - nowMs
  if (leftMs <= 0) throw fail('past the max TTL, cannot renew')
  return nowMs + Math.min(wantedMs, leftMs) + GRACE_MS
}
