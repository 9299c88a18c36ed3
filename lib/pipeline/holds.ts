import type { LeaseEnd } from '../model/lease.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Call } from './call.ts'
import { denial } from './denial.ts'
import type { Entries } from './entries.ts'
import { subjectOf } from './serve-alone.ts'

/** A hold that can be taken from its holder. */
export interface Hold {
  /** It has no value from here on. */
  ended(how: LeaseEnd): void
  /** From here on it is had for `maxTtlMs` after each issue at the most. */
  bound(maxTtlMs: number): void
  close(): Promise<void>
}

/** What callers hold, so that it can be judged anew. */
export interface Holds {
  add(call: Call, hold: Hold): void
  /** Judges one anew: the policies may have been replaced while it was on its way. @throws {PolicyDeniedError} */
  confirm(hold: Hold): Promise<void>
  remove(hold: object): void
  /** Takes from their holders what the policies in force no longer allow them, or for less long. */
  judge(): Promise<void>
}

export interface HoldsDeps {
  readonly policy: PolicyEngine
  readonly entries: Entries
}

export function createHolds({ policy, entries }: HoldsDeps): Holds {
  const calls = new Map<object, { readonly hold: Hold; readonly call: Call }>()
  /** Gives why it was taken. It ends first: an audit that fails must not leave it with its holder. */
  async function take(hold: Hold, call: Call): Promise<unknown> {
    const verdict = policy.decide(call.caller, call.request)
    if (verdict.decision.effect === 'allow') {
      hold.bound(verdict.maxTtlMs ?? Infinity)
      return undefined
    }
    calls.delete(hold)
    hold.ended('revoked')
    const why = await entries.failure(
      subjectOf({ ...call, verdict }),
      'request',
      denial(verdict.decision, call.request),
    )
    await hold.close()
    return why
  }
  return {
    add: (call, hold) => void calls.set(hold, { hold, call }),
    async confirm(hold): Promise<void> {
      const held = calls.get(hold)
      const why = held === undefined ? undefined : await take(hold, held.call)
      if (why !== undefined) throw why
    },
    remove: (hold) => void calls.delete(hold),
    async judge(): Promise<void> {
      await Promise.all([...calls.values()].map(({ hold, call }) => take(hold, call)))
    },
  }
}
