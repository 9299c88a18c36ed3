import { setImmediate } from 'node:timers/promises'
import { createLeaseCache } from '../../lib/lease/cache.ts'
import { createGovernor } from '../../lib/lease/governor.ts'
import { createKeeper } from '../../lib/lease/keeper.ts'
import { Kept } from '../../lib/lease/kept.ts'
import { cacheKey } from '../../lib/lease/key.ts'
import type { Holder, Origin } from '../../lib/lease/line.ts'
import { NO_QUERY } from '../../lib/model/request.ts'
import { seal } from '../../lib/model/sealed.ts'
import { createCaller } from '../../lib/options/caller.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { systemRandom } from '../../lib/system/random.ts'
import { createSchedule } from '../../lib/system/schedule.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { MovedClock } from './moved-clock.ts'

export const HOUR_MS = 3_600_000

/** What keeps leases in a gateway (keeper, schedule, governor, cache) on a clock moved by hand, before a server that renews at once. */
export interface KeptLeases {
  readonly clock: MovedClock
  /** A lease of an hour as it comes from the server, not kept yet. */
  minted(): Kept
  /** Keeps it alive. */
  insert(kept: Kept): void
  /** Lets go of it. */
  remove(kept: Kept): Promise<void>
  /** Moves the clock, and lets the renewals that are due by then come back. */
  step(ms: number): Promise<void>
  /** Renewals so far. */
  renewals(): number
}

export interface KeptLeasesOptions {
  /** Renewals a second that the governor lets through. */
  readonly perSecond: number
  readonly max: number
  /** Is told of each renewal, when it is sent, and how much of the lease was left. */
  readonly onRenewal?: (leftMs: number) => void
}

export function keepLeases({ perSecond, max, onRenewal }: KeptLeasesOptions): KeptLeases {
  const clock = new MovedClock()
  const moment = (): { nowMs: number; wallMs: number } => ({ nowMs: clock.now(), wallMs: clock.wallTime() })
  const cache = createLeaseCache(max)
  const byLease = new Map<string, Kept>()
  const unexpected = (what: string) => (): never => {
    throw new Error(`${what} was not to happen`)
  }
  let minted = 0
  let renewals = 0
  let wrong: string | undefined
  const keeper = createKeeper({
    clock,
    telemetry: NO_TELEMETRY,
    random: systemRandom,
    schedule: createSchedule(clock, { onError: (error) => console.error(error) }),
    governor: createGovernor({ perSecond, burst: Math.max(1, Math.min(perSecond, 1_000)) }),
    async exchange({ data }) {
      const kept = byLease.get(String(data?.lease_id))
      if (kept !== undefined) onRenewal?.(kept.ttlMs(moment()))
      return RENEWED
    },
    token: async () => TOKEN as never,
    forbidden: unexpected('a 403'),
    lookUp: unexpected('a look-up'),
    giveBack: async () => 'released',
    cache,
    listener: {
      renewed: () => {
        renewals += 1
      },
      rotated: () => {
        wrong = 'a rotation'
      },
      failing: (_, what, code) => {
        wrong = `${what}: ${code}`
      },
      ended: (_, how) => {
        if (how !== 'released') wrong = `a lease ended: ${how}`
      },
    },
    idleMs: Infinity,
  })
  return {
    clock,
    renewals: () => renewals,
    minted(): Kept {
      const path = ['database', 'creds', `role-${++minted}`].join('/')
      const request = {
        ...{ operation: 'read' as const, namespace: '', path, query: NO_QUERY, data: undefined, body: undefined },
        wrapTtlMs: 0,
      } as const
      const key = cacheKey(request, CALLER, 'gateway', '')
      const leaseId = `${path}/AbCdEfGhIjKlMnOp`
      const answer = answerWith({ leaseId, leaseDurationMs: HOUR_MS, renewable: true, data: { username: path } })
      const kept = new Kept(answer, { request, key, sentAt: moment(), livesMs: HOUR_MS, fate: undefined })
      if (onRenewal !== undefined) byLease.set(leaseId, kept)
      return kept
    },
    insert(kept): void {
      cache.put(kept.key, kept)
      keeper.land(kept.key, kept, ORIGIN)
    },
    async remove(kept): Promise<void> {
      const line = keeper.line(kept.key)
      if (line === undefined) throw new Error('a lease was forgotten')
      keeper.hold(line, HOLDER)
      await keeper.letGo(line, HOLDER)
    },
    async step(ms): Promise<void> {
      clock.move(ms)
      await setImmediate()
      if (wrong !== undefined) throw new Error(`${wrong} was not to happen`)
    },
  }
}

/** Keeps `count` leases, minted over the first half hour: they come due one after the other. */
export function keepSpread(leases: KeptLeases, count: number): void {
  for (let made = 0; made < count; made += 1) {
    leases.insert(leases.minted())
    leases.clock.move(HOUR_MS / 2 / count)
  }
}

const RENEWED = answerWith({ leaseId: 'same', leaseDurationMs: HOUR_MS, renewable: true })
const TOKEN = { token: seal('hvs.bench') }
const CALLER = createCaller({ service: 'orders' })
const ORIGIN: Origin = { mint: () => Promise.reject(new Error('nothing is to be rotated')) }
const HOLDER: Holder = {
  prepare: async () => {},
  abandon: () => {},
  commit: async () => {},
  renewed: () => {},
  rotated: () => {},
  failing: () => {},
  ended: () => {},
}
