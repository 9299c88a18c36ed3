import type { LeaseEnd } from '../model/lease.ts'
import type { Due } from '../ports/schedule.ts'
import { type Kept, openKept } from './kept.ts'
import { graceMs, type NextStep, nextStep, retryDelay } from './renewal.ts'

/** Gets the successors of a line's values. */
export interface Origin {
  /** The request of `previous` once more, decided and recorded anew. */
  mint(previous: Kept): Promise<Kept>
}

/** What a line does at the moment. */
export type LineState =
  | { readonly at: 'active' }
  | { readonly at: 'renewing' }
  | { readonly at: 'rotating' }
  /** Nobody asked for a while: no longer renewed or rotated, and served until its end. */
  | { readonly at: 'idle' }
  /** Its value is dead. Held, it still tries to get a successor. */
  | { readonly at: 'ended'; readonly how: LeaseEnd }

/** Someone who holds a line. */
export interface Holder {
  /** Runs before `next` becomes current; a rejection gives it back. */
  prepare(next: Kept): Promise<void>
  /** `next` does not become current after all. */
  abandon(next: Kept): void
  /** Runs when the successor is current; resolves when nobody uses `previous` any more. */
  commit(previous: Kept): Promise<void>
  renewed(ttlMs: number): void
  rotated(): void
  failing(code: string, ttlMs: number): void
  ended(how: LeaseEnd): void
}

/** Shared by all lines: one of its own for each would be much of what a lease costs. */
const NOBODY: readonly Holder[] = Object.freeze([])
export const ACTIVE: LineState = Object.freeze({ at: 'active' })

/** Failures since the last success, and the wait after the last one. */
export interface Tries {
  readonly failures: number
  readonly waitedMs: number
}

export const NO_TRIES: Tries = Object.freeze({ failures: 0, waitedMs: 0 })

/** One secret kept alive through its generations; put off itself till its next step is due. */
export class Line implements Due {
  place = -1
  dueMs: number = Infinity
  order = 0
  readonly origin: Origin
  readonly #step: (line: Line) => void
  kept: Kept
  /** Its successor, while holders get ready for it. */
  coming: Kept | undefined
  /** Counts the values it has had, from 1. */
  generation = 1
  holders: readonly Holder[] = NOBODY
  state: LineState = ACTIVE
  /** How its last value ended before its successor was there. */
  how: LeaseEnd | undefined
  /** What is to be done when it is due. */
  next: 'renew' | 'rotate' | 'end' = 'end'
  /** The last renewal, from which is seen whether another is worth it. */
  renewed: { readonly leftMs: number; readonly grantedMs: number } | undefined
  /** The server does not renew it. */
  isUnrenewable = false
  tries: Tries = NO_TRIES

  /** A line for what was just minted; `step` is taken when it is due. */
  constructor(kept: Kept, origin: Origin, step: (line: Line) => void) {
    this.kept = kept
    this.origin = origin
    this.#step = step
  }

  run(): void {
    this.#step(this)
  }
}

/** What is to be done with the value of `line` next. */
export function stepOf({ kept, renewed, isUnrenewable }: Line, nowMs: number, jitter: number): NextStep {
  const facts = {
    issuedAtMs: kept.grantedAtMs,
    ttlMs: kept.livesMs,
    renewable: openKept(kept).renewable && !isUnrenewable,
    // Not bounded by the token's end: a session tells when it is succeeded, and its end then is not one to wait for.
    maxEndsAtMs: Infinity,
    mustEndAtMs: kept.mustEndAtMs,
    kind: kept.kind,
    renewed,
  }
  return nextStep(facts, nowMs, jitter)
}

/**
 * When a renewal or rotation of `line` that failed is tried again: a renewal that would come in the grace
 * becomes a rotation, and where no attempt has room before the end, that is awaited. Notes the wait.
 */
export function retryOf(line: Line, next: 'renew' | 'rotate', nowMs: number, jitter: number): NextStep {
  const leftMs = line.state.at === 'ended' ? Infinity : line.kept.lastsMs(nowMs)
  const delayMs = retryDelay(Math.max(line.tries.failures, 1), line.tries.waitedMs, leftMs, jitter)
  if (delayMs === Infinity) return { kind: 'end', atMs: nowMs + Math.max(leftMs, 0) }
  line.tries = { ...line.tries, waitedMs: delayMs }
  const graceAtMs = nowMs + leftMs - graceMs(line.kept.livesMs)
  return { kind: next === 'renew' && nowMs + delayMs >= graceAtMs ? 'rotate' : next, atMs: nowMs + delayMs }
}

/** Did nobody ask for `line` in a while? @param idleMs - `undefined`: one TTL. */
export function isIdle({ holders, kept }: Line, idleMs: number | undefined, nowMs: number): boolean {
  return holders.length === 0 && nowMs - kept.askedAtMs >= (idleMs ?? Math.min(kept.livesMs, kept.maxTtlMs))
}
