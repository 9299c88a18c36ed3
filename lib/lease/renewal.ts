import { LeaseError } from '../errors/index.ts'
import type { ClockKind } from './clock-of.ts'

/** What the arithmetic needs of a lease. */
export interface LeaseTimes {
  /** Reading of the monotonic {@link Clock} when the request for it, or for its last renewal, was sent. */
  readonly issuedAtMs: number
  /** As the server last said, counted from `issuedAtMs`; `Infinity` means no end. */
  readonly ttlMs: number
}

/**
 * How long to wait before renewing `lease`.
 *
 * Two thirds of the time left go by first, so that a renewal which fails still leaves room to try
 * again. Jitter then brings the moment forward by up to a tenth, because leases taken in one burst
 * must not come due in one burst. The server may grant less than was asked for: call this anew with
 * each lease it returns. Pure; reads no clock.
 *
 * @param lease - As the server last described it; `ttlMs` counts from `issuedAtMs`; `Infinity` means no end.
 * @param nowMs - Reading of the monotonic {@link Clock} that stamped `issuedAtMs`.
 * @param jitter - Number in [0, 1); 0 waits longest.
 * @returns Whole milliseconds, 0 or more; `Infinity` for a lease without end.
 * @throws {LeaseError} `ERR_PORTCULLIS_LEASE_EXPIRED`: `nowMs` is past the end, so the secret has to
 *   be read again.
 * @throws {RangeError} `jitter` lies outside [0, 1).
 *
 * @example
 * renewalDelay({ issuedAtMs: 0, ttlMs: 90_000 }, 0, 0)        // 60000
 * renewalDelay({ issuedAtMs: 0, ttlMs: 90_000 }, 30_000, 0.5) // 38000
 *
 * @see https://openbao.org/docs/concepts/lease/ - an increment counts from now, and is advisory
 */
export function renewalDelay(lease: LeaseTimes, nowMs: number, jitter: number): number {
  checkJitter(jitter)
  if (lease.ttlMs === Infinity) return Infinity
  const leftMs = lease.issuedAtMs + lease.ttlMs - nowMs
  if (!(leftMs > 0)) throw new LeaseError('ERR_PORTCULLIS_LEASE_EXPIRED', `the lease ended ${-leftMs} ms ago`)
  return Math.floor((leftMs * 2 * (10 - jitter)) / 30)
}

const GRACE_MIN_MS = 1000
const GRACE_MAX_MS = 5 * 60_000

/**
 * Length of the grace: the last stretch of a lease, in which it is not renewed any more but rotated.
 *
 * A tenth of the TTL; at least 1 s, so that a successor can be minted; at most 5 min, so that a long lease is used;
 * and never above half the TTL, so that a short one is not rotated as soon as it is issued.
 *
 * @returns Milliseconds; for a lease without end 5 min, which never begin.
 *
 * @example
 * graceMs(3_600_000) // 300000
 * graceMs(60_000)    // 6000
 * graceMs(1_000)     // 500
 */
export function graceMs(ttlMs: number): number {
  return Math.min(Math.max(ttlMs / 10, GRACE_MIN_MS), GRACE_MAX_MS, Math.max(0, ttlMs / 2))
}

/** Shortest and longest wait before a failed renewal is tried again. */
const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 30_000

/**
 * How long to wait before a renewal or rotation that failed is tried again.
 *
 * Somewhere between 250 ms and three times the wait before (decorrelated jitter), at most 30 s: those who failed
 * together drift apart. At most half of what is left goes by, so that a further attempt has room before the end.
 *
 * @param attempt - Failures so far, from 1; at 1 there was no wait before.
 * @param previousMs - What this function gave for the failure before; not read at attempt 1.
 * @param leftMs - Until the end; `Infinity` for none.
 * @param jitter - Number in [0, 1); 0 waits shortest.
 * @returns Whole milliseconds, from 250 to 30000; `Infinity` when less than 500 ms are left: no attempt has room.
 * @throws {RangeError} `attempt` is no whole number from 1, or `jitter` lies outside [0, 1).
 */
export function retryDelay(attempt: number, previousMs: number, leftMs: number, jitter: number): number {
  checkJitter(jitter)
  if (!(Number.isInteger(attempt) && attempt >= 1)) throw new RangeError(`attempt must be 1 or more, got ${attempt}`)
  if (!(leftMs >= 2 * RETRY_MIN_MS)) return Infinity
  const beforeMs = attempt === 1 ? RETRY_MIN_MS : Math.max(RETRY_MIN_MS, previousMs)
  const spreadMs = Math.min(RETRY_MAX_MS, 3 * beforeMs) - RETRY_MIN_MS
  return Math.floor(Math.min(RETRY_MIN_MS + jitter * spreadMs, leftMs / 2))
}

/** The wire counts in whole seconds: up to so much is lost without anything being refused. */
const WIRE_STEP_MS = 1000

/**
 * Is a renewal not worth what was asked for?
 *
 * An increment is advisory: near a max TTL the server grants what is left. A difference below one second is rounding.
 *
 * @param askedMs - The increment; or what was left, to learn whether the renewal moved the end at all.
 *
 * @example
 * grantIsShort(3_600_000, 3_600_000) // false
 * grantIsShort(3_600_000, 600_000)   // true
 */
export function grantIsShort(askedMs: number, grantedMs: number): boolean {
  return grantedMs <= askedMs - WIRE_STEP_MS
}

/** Facts from which {@link nextStep} decides. */
export interface LeaseFacts extends LeaseTimes {
  readonly renewable: boolean
  /** Last end of the session's token, which the lease cannot outlive; `Infinity` for a token without last end. Reading of the same clock. */
  readonly maxEndsAtMs: number
  /** When a rule ends it, whatever the server says; a reading of the same clock. Default: never. */
  readonly mustEndAtMs?: number
  /** Default: `lease`. What is no lease does not end with the token. */
  readonly kind?: ClockKind
  /** The last renewal: what was left when it was sent, and what it granted. `undefined` before the first. */
  readonly renewed?: { readonly leftMs: number; readonly grantedMs: number } | undefined
}

/** What is to be done with a lease next, and when. */
export interface NextStep {
  /** `end`: there is nothing to be done but to let it end. */
  readonly kind: 'renew' | 'rotate' | 'end'
  /** Reading of the monotonic clock; `Infinity` never comes. */
  readonly atMs: number
}

/**
 * Is a lease to be renewed or rotated next, and when?
 *
 * Renewed, while that moves its end: at {@link renewalDelay}, and at the latest where the grace begins. Rotated, when
 * it is not renewable, when the last renewal did not move the end, when the session's token or a rule ends it first, or in
 * the grace: at the start of the grace, brought forward by jitter. The value of a static role is made by the
 * server when its clock has run out, and reading earlier gives the old one: it is rotated just *after*.
 * Call this anew after each renewal. Pure; reads no clock.
 *
 * @param nowMs - Reading of the monotonic {@link Clock} that stamped the facts.
 * @param jitter - Number in [0, 1); 0 waits longest, but for a static role shortest.
 * @returns Never a moment before `nowMs`, but for `end` of what has ended.
 * @throws {RangeError} `jitter` lies outside [0, 1).
 *
 * @example
 * const facts = { issuedAtMs: 0, ttlMs: 90_000, renewable: true, maxEndsAtMs: Infinity }
 * nextStep(facts, 0, 0)                          // { kind: 'renew', atMs: 60000 }
 * nextStep({ ...facts, renewable: false }, 0, 0) // { kind: 'rotate', atMs: 81000 }
 * nextStep(facts, 85_000, 0)                     // { kind: 'rotate', atMs: 85000 }
 */
export function nextStep(facts: LeaseFacts, nowMs: number, jitter: number): NextStep {
  checkJitter(jitter)
  const { kind = 'lease', mustEndAtMs = Infinity } = facts
  const ownEndMs = facts.issuedAtMs + facts.ttlMs
  if (kind === 'static-role') return staticRoleStep(ownEndMs, nowMs, jitter)
  const endsAtMs = Math.min(ownEndMs, mustEndAtMs, kind === 'lease' ? facts.maxEndsAtMs : Infinity)
  // Also for a moment that is no number: what cannot be dated is not served.
  if (!(endsAtMs > nowMs) || endsAtMs === Infinity) return { kind: 'end', atMs: endsAtMs }
  const graceAtMs = endsAtMs - graceMs(endsAtMs - facts.issuedAtMs)
  if (graceAtMs <= nowMs) return { kind: 'rotate', atMs: nowMs }
  const isWorthIt = ownEndMs <= facts.maxEndsAtMs && ownEndMs + WIRE_STEP_MS <= mustEndAtMs
  if (facts.renewable && isWorthIt && !hasStopped(facts)) {
    return { kind: 'renew', atMs: Math.min(nowMs + renewalDelay(facts, nowMs, jitter), graceAtMs) }
  }
  return { kind: 'rotate', atMs: nowMs + forward(graceAtMs - nowMs, jitter) }
}

/** Did the last renewal leave the end where it was? Within a second of it counts as that. */
function hasStopped({ renewed }: LeaseFacts): boolean {
  return renewed !== undefined && renewed.grantedMs < renewed.leftMs + WIRE_STEP_MS
}

/** Wait before a static role is read after its end. The server changes passwords every 5 s or so; until then it tells a TTL of 0. */
const STATIC_ROLE_WAIT_MS = 1000
const STATIC_ROLE_SPREAD_MS = 2000

function staticRoleStep(endsAtMs: number, nowMs: number, jitter: number): NextStep {
  if (endsAtMs === Infinity) return { kind: 'end', atMs: Infinity }
  return { kind: 'rotate', atMs: Math.max(endsAtMs, nowMs) + STATIC_ROLE_WAIT_MS + jitter * STATIC_ROLE_SPREAD_MS }
}

function forward(waitMs: number, jitter: number): number {
  return Math.floor((waitMs * (10 - jitter)) / 10)
}

function checkJitter(jitter: number): void {
  if (!(jitter >= 0 && jitter < 1)) throw new RangeError(`jitter must be in [0, 1), got ${jitter}`)
}
