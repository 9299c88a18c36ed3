import type { LeaseEnd } from '../model/lease.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Schedule } from '../ports/schedule.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { SessionToken } from '../session/session.ts'
import type { LeaseCache } from './cache.ts'
import type { GiveBack } from './give-back.ts'
import type { Governor } from './governor.ts'
import type { Kept, Moment } from './kept.ts'
import type { Holder, Line, Origin } from './line.ts'

/** Keeps leases alive: renews them, has successors minted before their end, releases what was held. */
export interface Keeper {
  /** A value was minted: it is kept alive from now on, as first of a new line or as successor in an old one. */
  land(key: string, kept: Kept, origin: Origin): void
  /** Is a successor for `key` being minted by the keeper itself? */
  isRotating(key: string): boolean
  /** Somebody asked for `kept`: it stays in use. */
  asked(kept: Kept, at: Moment): void
  /** The line of `key`, while it is there. */
  line(key: string): Line | undefined
  /** All of them. */
  lines(): Iterable<Line>
  hold(line: Line, holder: Holder): void
  /** The last one to let go releases the value at the server. */
  letGo(line: Line, holder: Holder): Promise<void>
  /** A look-up moved the end of `kept`. */
  moved(kept: Kept): void
  /**
   * A holder cannot use `kept`: its end has gone by unnoticed, as that of its token or in a freeze, or the clocks
   * disagree about it. What has ended is replaced; what is in doubt is looked up, and replaced when that tells nothing.
   */
  unusable(kept: Kept): void
  /**
   * The values that `isMeant` are dead: they are dropped, and replaced where they are held.
   *
   * @param isCertain - False where they may live on at the server: then they are given back. Default true.
   */
  ended(isMeant: (kept: Kept) => boolean, how: LeaseEnd, isCertain?: boolean): void
  /** A new token took over from the one with this fate: its leases move, spread over half the time left. */
  succeeded(fate: Kept['fate']): void
  /** Releases what nobody was given for good. Renewals and rotations stop; resolves when those under way have ended. */
  close(): Promise<void>
}

/** Which lease it is, for the audit. */
export interface LeaseName {
  readonly namespace: string
  readonly path: string
  /** In clear: to be hashed, and kept nowhere. Empty for what has no lease. */
  readonly leaseId: string
}

/** What happens to leases, for events, metrics and the audit. */
export interface KeeperListener {
  renewed(path: string, ttlMs: number): void
  /** @param name - Gives the value that is current now. */
  rotated(path: string, name: () => LeaseName): void
  failing(path: string, what: 'renew' | 'rotate', code: string): void
  ended(path: string, how: LeaseEnd, name: () => LeaseName): void
}

export interface KeeperDeps {
  readonly clock: Clock
  readonly random: Random
  readonly schedule: Schedule
  readonly governor: Governor
  readonly exchange: OwnExchange
  readonly token: () => Promise<SessionToken>
  readonly forbidden: (token: SessionToken) => Promise<'retry' | 'final'>
  readonly lookUp: (kept: Kept) => Promise<void>
  readonly giveBack: GiveBack
  readonly cache: LeaseCache
  readonly listener: KeeperListener
  readonly telemetry: Telemetry
  /** A read lease that nobody asked for this long is no longer kept alive. `undefined`: its own TTL. */
  readonly idleMs: number | undefined
}
