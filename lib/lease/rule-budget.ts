import type { Counted, Seat } from './budget.ts'

/** The most leases that may live at once under one key. */
export interface RuleCap {
  /** Of a rule and a caller. */
  readonly key: string
  readonly max: number
}

/** A cap that leaves no room. */
export interface CapReached<C extends RuleCap> {
  readonly reached: C
  /** When the first of its leases ends, unless it is renewed; `undefined` where that is not known. */
  readonly retryAfterMs: number | undefined
}

/**
 * Caps that rules set, for each caller: as the {@link Budget} of the process, with many caps for one lease, all of which have
 * room or none is taken up.
 */
export interface RuleBudget {
  /**
   * A seat under all of `caps`. While leases under way fill one of them, it waits to see what becomes of them.
   *
   * @param caps - Root of the chain first; each key once.
   */
  admit<C extends RuleCap>(caps: readonly C[]): Seat | CapReached<C> | Promise<Seat | CapReached<C>>
  /** A seat for what most likely mints nothing; a lease that comes of it counts all the same. */
  pass(caps: readonly RuleCap[]): Seat
  /** A seat for the successor of a lease that is about to go: the caps hold twice as many then. */
  succeed<C extends RuleCap>(caps: readonly C[]): Seat | CapReached<C>
  /** `lease` could not be ended: `remains` counts in its place. */
  leaked(lease: Counted, remains: Counted): void
  /** Keys under which something is counted. */
  readonly size: number
}

export function createRuleBudget(now: () => number): RuleBudget {
  return new CountedRules(now)
}

/** What is counted under one key. */
interface Tally {
  landed: Counted[]
  underWay: number
  /** Those who wait for one that is under way to land or to leave. */
  waiting: (() => void)[]
}

/** `undefined` where there is room; else the first cap that has none, or what to wait for. */
type Look<C extends RuleCap> = CapReached<C> | { readonly busy: Tally } | undefined

/** Tallies looked at whenever a lease lands, whether what they count has ended. */
const LOOKS = 2

class CountedRules implements RuleBudget {
  readonly #now: () => number
  readonly #tallies = new Map<string, Tally>()
  readonly #capsOf = new WeakMap<Counted, readonly RuleCap[]>()
  #hand: Iterator<[string, Tally]> = this.#tallies.entries()

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#tallies.size
  }

  admit<C extends RuleCap>(caps: readonly C[]): Seat | CapReached<C> | Promise<Seat | CapReached<C>> {
    const look = this.#look(caps)
    if (look === undefined) return this.#take(caps)
    return 'reached' in look ? look : this.#admitLater(caps, look.busy)
  }

  pass(caps: readonly RuleCap[]): Seat {
    return { land: (lease) => this.#land(caps, lease), leave() {} }
  }

  succeed<C extends RuleCap>(caps: readonly C[]): Seat | CapReached<C> {
    for (const cap of caps) {
      const tally = this.#tallies.get(cap.key)
      const taken = tally === undefined ? 0 : this.#living(tally) + tally.underWay
      if (tally !== undefined && taken >= 2 * cap.max) return { reached: cap, retryAfterMs: this.#firstEndMs(tally) }
    }
    return this.#take(caps)
  }

  leaked(lease: Counted, remains: Counted): void {
    this.#land(this.#capsOf.get(lease) ?? [], remains)
  }

  /** Is there room under all of them? */
  #look<C extends RuleCap>(caps: readonly C[]): Look<C> {
    let busy: Tally | undefined
    for (const cap of caps) {
      const tally = this.#tallies.get(cap.key)
      if (tally === undefined || tally.landed.length + tally.underWay < cap.max) continue
      const living = this.#living(tally)
      if (living >= cap.max) return { reached: cap, retryAfterMs: this.#firstEndMs(tally) }
      if (living + tally.underWay >= cap.max) busy ??= tally
    }
    return busy === undefined ? undefined : { busy }
  }

  async #admitLater<C extends RuleCap>(caps: readonly C[], first: Tally): Promise<Seat | CapReached<C>> {
    let look: Look<C> = { busy: first }
    while (look !== undefined) {
      if ('reached' in look) return look
      const { waiting } = look.busy
      await new Promise<void>((resolve) => waiting.push(resolve))
      look = this.#look(caps)
    }
    return this.#take(caps)
  }

  #take(caps: readonly RuleCap[]): Seat {
    for (const { key } of caps) this.#tallyOf(key).underWay += 1
    let isTaken = true
    const leave = (): void => {
      if (isTaken) this.#leave(caps)
      isTaken = false
    }
    return {
      land: (lease) => {
        this.#land(caps, lease)
        leave()
      },
      leave,
    }
  }

  #leave(caps: readonly RuleCap[]): void {
    for (const { key } of caps) {
      const tally = this.#tallyOf(key)
      tally.underWay -= 1
      const waiting = tally.waiting
      tally.waiting = []
      this.#forgetEmpty(key, tally)
      for (const look of waiting) look()
    }
  }

  #land(caps: readonly RuleCap[], lease: Counted): void {
    for (const { key } of caps) this.#tallyOf(key).landed.push(lease)
    if (caps.length > 0) this.#capsOf.set(lease, caps)
    this.#tidy()
  }

  #tallyOf(key: string): Tally {
    let tally = this.#tallies.get(key)
    if (tally === undefined) {
      tally = { landed: [], underWay: 0, waiting: [] }
      this.#tallies.set(key, tally)
    }
    return tally
  }

  #living(tally: Tally): number {
    const nowMs = this.#now()
    tally.landed = tally.landed.filter((lease) => lease.leftMs(nowMs) > 0)
    return tally.landed.length
  }

  #firstEndMs({ landed }: Tally): number | undefined {
    const nowMs = this.#now()
    const firstMs = landed.reduce((least, lease) => Math.min(least, lease.leftMs(nowMs)), Infinity)
    return firstMs === Infinity ? undefined : Math.max(1, Math.ceil(firstMs))
  }

  #tidy(): void {
    for (let look = 0; look < LOOKS; look += 1) {
      const next = this.#hand.next()
      if (next.done === true) {
        this.#hand = this.#tallies.entries()
        return
      }
      const [key, tally] = next.value
      this.#living(tally)
      this.#forgetEmpty(key, tally)
    }
  }

  #forgetEmpty(key: string, { landed, underWay }: Tally): void {
    if (landed.length === 0 && underWay === 0) this.#tallies.delete(key)
  }
}
