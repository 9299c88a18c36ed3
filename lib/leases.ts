import type { GatewayEmitter } from './emitter.ts'
import { type AloneLeases, createAloneLeases } from './lease/alone-leases.ts'
import { type Budget, type Counted, createBudget } from './lease/budget.ts'
import type { LeaseCache } from './lease/cache.ts'
import { createGiveBack, createRevoke } from './lease/give-back.ts'
import { createGovernor } from './lease/governor.ts'
import { createKeeper, type Keeper, type KeeperListener } from './lease/keeper.ts'
import { type Kept, leaseNameOf } from './lease/kept.ts'
import { createRetirements } from './lease/retirements.ts'
import { createRetiring, type Retiring } from './lease/retiring.ts'
import { createRuleBudget, type RuleBudget } from './lease/rule-budget.ts'
import { createVerifier, type Verifier } from './lease/verifier.ts'
import type { LeaseConfig } from './options/gateway.ts'
import type { OwnEvents } from './own-events.ts'
import type { OwnExchange } from './ports/auth-method.ts'
import type { Clock } from './ports/clock.ts'
import type { Random } from './ports/random.ts'
import type { Schedule } from './ports/schedule.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { Session } from './session/session.ts'

/** What keeps leases reaches the outside through. */
interface Outside {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly emitter: GatewayEmitter
  readonly events: OwnEvents
}

interface LeaseParts {
  readonly cache: LeaseCache
  readonly exchange: OwnExchange
  readonly onLeak: (path: string, code: string) => void
  readonly schedule: Schedule
  readonly session: Session
}

interface Leases {
  readonly keeper: Keeper
  readonly verifier: Verifier
  readonly budget: Budget
  readonly ruleBudget: RuleBudget
  readonly alone: AloneLeases
  /** Has what a rule ends given back then, whoever was given it. */
  readonly retire: Retiring['retire']
  readonly retireAlone: Retiring['retireAlone']
  /** The end that a rule sets `kept` is another one. */
  readonly onBound: (kept: Kept) => void
  /** May who holds `kept` use it now? Begins to look it up where that is due, as a hit does. */
  readonly isUsable: (kept: Kept) => boolean
  /** Releases what is to be released. */
  close(): Promise<void>
}

/** The engines that keep leases: what renews and rotates them, what verifies them, what caps them. */
export function createLeases(
  leases: LeaseConfig,
  { clock, emitter, events, random, telemetry }: Outside,
  { cache, exchange, onLeak, schedule, session }: LeaseParts,
): Leases {
  const token = (): ReturnType<Session['current']> => session.current()
  const forbidden: Session['forbidden'] = (dead) => session.forbidden(dead)
  const listener = keeperListener(emitter, telemetry, events)
  const budget = createBudget(leases)
  const ruleBudget = createRuleBudget(() => clock.now())
  const revoke = createRevoke(exchange, token)
  const alone = createAloneLeases()
  const retirements = createRetirements(schedule)
  const giveBack = createGiveBack({
    revoke,
    onReleased(kept): void {
      retirements.forget(kept)
      listener.ended(kept.path, 'released', () => leaseNameOf(kept))
    },
    onLeaked(kept, code): void {
      onLeak(kept.path, code)
      listener.ended(kept.path, 'leaked', () => leaseNameOf(kept))
      const nowMs = clock.now()
      const remains = remainsOf(kept, nowMs)
      budget.leaked(kept.namespace, kept.path, remains, nowMs)
      ruleBudget.leaked(kept, remains)
    },
  })
  const onDead = (kept: Kept): void =>
    keeper.ended((each) => each === kept, kept.fate?.isDead === true ? 'lost' : 'revoked')
  const onSkipped = (): void => telemetry.count('portcullis.lease.look_ups_skipped', {})
  const onLookedUp = (outcome: string): void =>
    telemetry.count('portcullis.lease.look_ups', { 'portcullis.outcome': outcome })
  const verifier = createVerifier({
    ...{ ...leases, clock, exchange, token, forbidden, onDead, onSkipped, onLookedUp },
    onMoved: (kept) => keeper.moved(kept),
    wasSeenAlive: (token, sinceMs) => session.wasSeenAlive(token, sinceMs),
  })
  const perSecond = leases.renewalsPerSecond
  const governor = createGovernor({ perSecond, burst: Math.max(1, Math.ceil(Math.min(perSecond, 1_000))) })
  const lookUp = (kept: Kept): Promise<void> => verifier.lookUp(kept)
  const keeper = createKeeper({
    ...{ clock, random, schedule, governor, exchange, token, forbidden, lookUp, giveBack, cache, listener, telemetry },
    idleMs: leases.idleMs,
  })
  const isUsable = (kept: Kept): boolean => {
    const at = { nowMs: clock.now(), wallMs: clock.wallTime() }
    if (kept.isOver(at)) keeper.unusable(kept)
    // A holder cannot wait: a look-up that begins here tells the next one who asks.
    const live = verifier.isLive(kept, at)
    return live === true || (live !== false && !kept.isDoubtful(at) && !kept.isOver(at))
  }
  return {
    keeper,
    verifier,
    budget,
    ruleBudget,
    alone,
    onBound: (kept) => keeper.moved(kept),
    ...createRetiring({ ...{ alone, clock, giveBack, onLeak, retirements, revoke } }),
    close: async () => {
      await keeper.close()
      await retirements.close()
      await verifier.settled()
    },
    isUsable,
  }
}

/** What is left to count of a lease that nobody is served; not the lease, which holds the secret. */
function remainsOf(kept: Kept, nowMs: number): Counted {
  const endsAtMs = nowMs + kept.ownLeftMs(nowMs)
  const { fate } = kept
  return { leftMs: (at) => (fate?.isDead === true ? 0 : Math.min(endsAtMs, fate?.endsAtMs ?? Infinity) - at) }
}

function keeperListener(emitter: GatewayEmitter, telemetry: Telemetry, events: OwnEvents): KeeperListener {
  return {
    renewed(path, ttlMs): void {
      telemetry.count('portcullis.lease.renewals', { 'portcullis.outcome': 'ok' })
      emitter.emit('renewed', { path, ttlMs })
    },
    rotated(path, name): void {
      events.lease('lease.rotated', name())
      telemetry.count('portcullis.lease.rotations', { 'portcullis.outcome': 'ok' })
      emitter.emit('rotated', { path })
    },
    failing(path, what, code): void {
      const name = what === 'renew' ? 'portcullis.lease.renewals' : 'portcullis.lease.rotations'
      telemetry.count(name, { 'portcullis.outcome': 'failed' })
      emitter.emit('leaseFailing', { path, what, code })
    },
    ended(path, how, name): void {
      events.lease('lease.ended', name(), how)
      telemetry.count('portcullis.lease.ended', { 'portcullis.lease.end': how })
      emitter.emit('ended', { path, how })
    },
  }
}
