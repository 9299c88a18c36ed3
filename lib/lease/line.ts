import type { LeaseEnd } from '../model/lease.ts'
import type { Scheduled } from '../ports/schedule.ts'
import type { Kept } from './kept.ts'

/** Gets the successor of a line's value: the same request, decided and recorded anew. */
export type Mint = () => Promise<Kept>

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

/** One secret kept alive through its generations. */
export interface Line {
  readonly key: string
  readonly mint: Mint
  kept: Kept
  /** Counts the values it has had, from 1. */
  generation: number
  readonly holders: Set<Holder>
  state: LineState
  scheduled: Scheduled | undefined
  /** What is to be done when it is due. */
  next: 'renew' | 'rotate' | 'end'
  /** The last renewal, from which is seen whether another is worth it. */
  renewed: { readonly leftMs: number; readonly grantedMs: number } | undefined
  /** The server does not renew it. */
  isUnrenewable: boolean
  /** Failures since the last success, and the wait after the last one. */
  failures: number
  waitedMs: number
}

/** A line for what was just minted. */
export function lineOf(key: string, kept: Kept, mint: Mint): Line {
  return {
    key,
    mint,
    kept,
    generation: 1,
    holders: new Set(),
    state: { at: 'active' },
    scheduled: undefined,
    next: 'end',
    renewed: undefined,
    isUnrenewable: false,
    failures: 0,
    waitedMs: 0,
  }
}
