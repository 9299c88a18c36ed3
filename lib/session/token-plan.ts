/** What the arithmetic needs of a token. */
export interface TokenTimes {
  /** Reading of the monotonic {@link Clock}; `Infinity`: no end known. */
  readonly endsAtMs: number
  /** Longest time that the server granted it at once. */
  readonly ttlMs: number
  /** Did its last renewal move its end, or was there none yet? And may it be renewed at all? */
  readonly renewable: boolean
}

/** What is to be done with a token next, and when. */
export interface TokenStep {
  /** `none`: it has no end. */
  readonly kind: 'renew' | 'login' | 'none'
  /** Reading of the monotonic clock, `nowMs` or later; `Infinity` never comes. */
  readonly atMs: number
}

const GRACE_MAX_MS = 5 * 60_000

/**
 * Length of a token's grace: its last stretch, in which a new one is logged in instead of a renewal.
 *
 * A tenth of its TTL, at most 5 minutes: from 50 s of TTL that is 5 s or more. The leases that it minted die with it,
 * and within the grace they are rotated onto the next token.
 *
 * @example
 * tokenGraceMs(60_000)    // 6000
 * tokenGraceMs(3_600_000) // 300000
 */
export function tokenGraceMs(ttlMs: number): number {
  return Math.min(ttlMs / 10, GRACE_MAX_MS)
}

/**
 * Is a token to be renewed or replaced next, and when?
 *
 * Renewed after two thirds of what is left, brought forward by up to a tenth, and at the latest where its grace begins.
 * Replaced, where it cannot be renewed any more: at the start of the grace, brought forward by up to one more grace,
 * since many processes that started together must not log in together. Pure; reads no clock.
 *
 * @param nowMs - Reading of the monotonic {@link Clock}, before the end.
 * @param jitter - Number in [0, 1); 0 waits longest.
 *
 * @example
 * const times = { endsAtMs: 60_000, ttlMs: 60_000, renewable: true }
 * nextTokenStep(times, 0, 0)                          // { kind: 'renew', atMs: 40000 }
 * nextTokenStep({ ...times, renewable: false }, 0, 0) // { kind: 'login', atMs: 54000 }
 */
export function nextTokenStep({ endsAtMs, ttlMs, renewable }: TokenTimes, nowMs: number, jitter: number): TokenStep {
  if (endsAtMs === Infinity) return { kind: 'none', atMs: Infinity }
  const leftMs = Math.max(endsAtMs - nowMs, 0)
  // A short last stretch is not all grace: it was not worth a renewal, but is worth its use.
  const graceMs = Math.min(tokenGraceMs(ttlMs), leftMs / 2)
  const graceAtMs = endsAtMs - graceMs
  if (!renewable) return { kind: 'login', atMs: Math.max(graceAtMs - jitter * graceMs, nowMs) }
  return { kind: 'renew', atMs: Math.min(nowMs + Math.floor((leftMs * 2 * (10 - jitter)) / 30), graceAtMs) }
}

const BACKOFF_MIN_MS = 250
const BACKOFF_MAX_MS = 30_000

/**
 * How long to wait after a failure: from 250 ms to three times the wait before, at most 30 s (decorrelated jitter).
 *
 * @param previousMs - The wait before; 0 after the first failure.
 * @param jitter - Number in [0, 1); 0 waits shortest.
 */
export function backoffMs(previousMs: number, jitter: number): number {
  const ceilingMs = Math.min(BACKOFF_MAX_MS, 3 * Math.max(previousMs, BACKOFF_MIN_MS))
  return Math.round(BACKOFF_MIN_MS + jitter * (ceilingMs - BACKOFF_MIN_MS))
}

/** Logins that a 403 may cause: one a generation, and one in this time. */
export const FORBIDDEN_LOGIN_INTERVAL_MS = 30_000
/** A token found alive is not looked up again for this long, however many 403s its server policy causes. */
export const VERIFIED_FOR_MS = 1_000
/** Bound on one renewal or look-up: calls of users may wait for it. */
export const RENEWAL_LIMIT_MS = 10_000
