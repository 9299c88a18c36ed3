import type { LeaseEnd } from '../model/lease.ts'
import type { Due } from '../ports/schedule.ts'
import type { Kept } from './kept.ts'

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

/** One secret kept alive through its generations; put off itself till its next step is due. */
export class Line implements Due {
  place = -1
  dueMs: number = Infinity
  order = 0
  readonly origin: Origin
  readonly #step: (line: Line) => void
  kept: Kept
  /** Counts the values it has had, from 1. */
  generation = 1
  holders: readonly Holder[] = NOBODY
  state: LineState = ACTIVE
  /** What is to be done when it is due. */
  next: 'renew' | 'rotate' | 'end' = 'end'
  /** The last renewal, from which is seen whether another is worth it. */
  renewed: { readonly leftMs: number; readonly grantedMs: number } | undefined
  /** The server does not renew it. */
  isUnrenewable = false
  /** Failures since the last success, and the wait after the last one. */
  failures = 0
  waitedMs = 0

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
