import type { LeaseEnd } from '../model/lease.ts'
import { Works } from '../model/works.ts'
import type { Span } from '../ports/telemetry.ts'
import { codeOf } from './code-of.ts'
import { commit, prepare } from './hand-over.ts'
import type { Keeper, KeeperDeps } from './keeper-contract.ts'
import { type Kept, leaseNameOf, type Moment, momentOf } from './kept.ts'
import { ACTIVE, type Holder, isIdle, Line, NO_TRIES, type Origin, retryOf, stepOf } from './line.ts'
import { createPatience, type Patience } from './patience.ts'
import { createRenew, type Renew, type RenewalOutcome } from './renew.ts'
import { graceMs } from './renewal.ts'

export type { Keeper, KeeperDeps, KeeperListener, LeaseName } from './keeper-contract.ts'

export function createKeeper(deps: KeeperDeps): Keeper {
  return new LineKeeper(deps)
}

class LineKeeper implements Keeper {
  readonly #deps: KeeperDeps
  readonly #lines = new Map<string, Line>()
  /** Fates of tokens that have a successor: what they minted moves to it, instead of being renewed. */
  readonly #succeeded = new WeakSet<object>()
  /** One for all lines. */
  readonly #runLine = (line: Line): void => this.#run(line)
  /** What was looked up in doubt, and could not be told. */
  readonly #doubted = new WeakSet<Kept>()
  /** Renewals, rotations and releases under way. */
  readonly #works = new Works()
  readonly #patience: Patience
  readonly #renewOnce: Renew
  readonly #moment = (): Moment => momentOf(this.#deps.clock)
  #isClosed = false

  constructor(deps: KeeperDeps) {
    this.#deps = deps
    this.#patience = createPatience(deps.schedule, () => deps.clock.now())
    this.#renewOnce = createRenew(deps)
  }

  land(key: string, kept: Kept, origin: Origin): void {
    if (this.#isClosed) return
    const line = this.#lines.get(key)
    if (line === undefined) {
      const first = new Line(kept, origin, this.#runLine)
      this.#lines.set(key, first)
      this.#plan(first)
    } else {
      // Its value had ended, or was evicted: somebody who asked was first to get the successor.
      const isInUse = line.holders.length > 0 && this.#isLiving(line.kept)
      void this.#works.track(isInUse ? this.#handOver(line, kept) : this.#adopt(line, kept))
    }
  }

  isRotating(key: string): boolean {
    return this.#lines.get(key)?.state.at === 'rotating'
  }

  asked(kept: Kept, at: Moment): void {
    kept.askedAtMs = at.nowMs
    const line = this.#lines.get(kept.key)
    if (line !== undefined) this.#wake(line)
  }

  line(key: string): Line | undefined {
    return this.#lines.get(key)
  }

  lines(): Iterable<Line> {
    return this.#lines.values()
  }

  hold(line: Line, holder: Holder): void {
    line.holders = [...line.holders, holder]
    this.#wake(line)
  }

  async letGo(line: Line, holder: Holder): Promise<void> {
    const others = line.holders.filter((each) => each !== holder)
    if (others.length === line.holders.length) return
    line.holders = others
    if (others.length > 0 || this.#isClosed) return
    await this.#works.track(this.#releaseLine(line))
  }

  moved(kept: Kept): void {
    const line = this.#lines.get(kept.key)
    if (line?.kept === kept && line.state.at === 'active') this.#plan(line)
  }

  unusable(kept: Kept): void {
    if (!kept.isDoubtful(this.#moment())) this.ended((each) => each === kept, 'expired')
    else if (!this.#doubted.has(kept)) void this.#works.track(this.#settleDoubt(kept))
  }

  ended(isMeant: (kept: Kept) => boolean, how: LeaseEnd, isCertain = true): void {
    for (const line of [...this.#lines.values()]) {
      const { kept, coming } = line
      if (coming !== undefined && isMeant(coming)) coming.end()
      if (!isMeant(kept)) continue
      this.#end(line, how)
      kept.mayLiveOn ||= !isCertain
      if (!isCertain && !this.#isKept(line)) void this.#works.track(this.#deps.giveBack(kept))
    }
    // Nobody is given what is on its way while this goes through here.
    this.#deps.cache.evictWhere(isMeant, (kept) => {
      if (isCertain || how === 'revoked') kept.end()
      if (!isCertain && how === 'revoked') void this.#works.track(this.#deps.giveBack(kept))
    })
  }

  succeeded(fate: Kept['fate']): void {
    if (fate === undefined) return
    this.#succeeded.add(fate)
    for (const line of this.#lines.values()) {
      if (line.kept.fate === fate && line.state.at === 'active') this.#plan(line)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#patience.end()
    for (const line of [...this.#lines.values()]) void this.#works.track(this.#releaseLine(line))
    await this.#works.settled()
  }

  #wake(line: Line): void {
    if (line.state.at !== 'idle') return
    line.state = ACTIVE
    this.#plan(line)
  }

  #plan(line: Line): void {
    const { kept } = line
    const { nowMs } = this.#moment()
    if (kept.isLeased && kept.fate !== undefined && this.#succeeded.has(kept.fate)) {
      line.next = 'rotate'
      this.#due(line, nowMs + this.#deps.random.fraction() * Math.max(0, kept.lastsMs(nowMs) / 2))
      return
    }
    const step = stepOf(line, nowMs, this.#deps.random.fraction())
    line.next = step.kind
    this.#due(line, step.atMs)
  }

  #due(line: Line, atMs: number): void {
    if (!this.#isClosed) this.#deps.schedule.put(line, atMs)
  }

  #run(line: Line): void {
    if (this.#isClosed || this.#lines.get(line.kept.key) !== line) return
    const { next } = line
    const isActive = line.state.at === 'active'
    // Nobody uses it: it is served while it lives, and then forgotten.
    if (isActive && next !== 'end' && isIdle(line, this.#deps.idleMs, this.#moment().nowMs)) line.state = { at: 'idle' }
    if (line.state.at !== 'active' && line.state.at !== 'ended') this.#lapse(line)
    else if (isActive && next === 'end') this.#end(line, 'expired')
    else if (isActive && next === 'renew') void this.#works.track(this.#renewInTurn(line))
    else void this.#works.track(this.#rotate(line))
  }

  /** Ends what has ended meanwhile; else looks again when it is due to. */
  #lapse(line: Line): void {
    if (line.kept.hasEnded) return
    const { nowMs } = this.#moment()
    const leftMs = line.kept.lastsMs(nowMs)
    if (leftMs > 0) this.#due(line, nowMs + leftMs)
    else this.#end(line, 'expired')
  }

  /** Renewals that are due together go one after the other, but none is put off beyond the start of its grace. */
  async #renewInTurn(line: Line): Promise<void> {
    const { clock, governor } = this.#deps
    const nowMs = clock.now()
    const { kept } = line
    line.state = { at: 'renewing' }
    const waitMs = Math.min(governor.delay(nowMs), kept.ownLeftMs(nowMs) - graceMs(kept.livesMs))
    this.#lapse(line)
    if (waitMs > 0) await this.#patience.pass(waitMs)
    if (this.#isClosed || line.kept !== kept || line.state.at !== 'renewing') return
    await this.#renew(line)
  }

  async #renew(line: Line): Promise<void> {
    const { kept } = line
    const outcome = await this.#renewOnce(kept)
    if (outcome.kind === 'failed' && outcome.isOpen) kept.mayLiveOn = true
    if (line.kept !== kept || line.state.at !== 'renewing') return
    line.state = ACTIVE
    if (outcome.kind === 'granted') {
      this.#renewed(line, outcome)
      return
    }
    if (outcome.isFinal) line.isUnrenewable = true
    this.#failed(line, 'renew', outcome.error)
    if (line.isUnrenewable) this.#plan(line)
    else this.#retry(line, 'renew')
  }

  #renewed(line: Line, { at, leftMs, grantedMs, renewable }: RenewalOutcome & { kind: 'granted' }): void {
    const { kept } = line
    kept.extend(at, grantedMs)
    line.renewed = { leftMs, grantedMs }
    line.isUnrenewable = !renewable
    line.tries = NO_TRIES
    this.#plan(line)
    const ttlMs = kept.ttlMs(this.#moment())
    this.#deps.listener.renewed(kept.path, ttlMs)
    for (const holder of line.holders) holder.renewed(ttlMs)
  }

  /** Has a successor minted. The old value serves meanwhile, if it still lives. */
  async #rotate(line: Line): Promise<void> {
    line.state = { at: 'rotating' }
    this.#lapse(line)
    const span = this.#deps.telemetry.span('portcullis.lease.rotate', {}, true)
    let next: Kept
    try {
      next = await line.origin.mint(line.kept)
    } catch (error) {
      span.end(codeOf(error))
      this.#failed(line, 'rotate', error)
      this.#notRotated(line)
      return
    }
    // That it was minted is no sign that anybody uses it.
    if (!next.isHandedOut) next.askedAtMs = line.kept.askedAtMs
    await this.#handOver(line, next, span)
  }

  /** In two phases. What nobody wants any more, or a holder cannot use, is given back. */
  async #handOver(line: Line, next: Kept, span?: Span): Promise<void> {
    line.state = { at: 'rotating' }
    line.coming = next
    const isReady = this.#isKept(line) && !next.hasEnded && (await this.#prepare(line, next))
    line.coming = undefined
    if (isReady && this.#isKept(line) && !next.hasEnded) {
      const left = this.#adopt(line, next)
      // From here on the successor is current; users of its predecessor may take their time.
      span?.end()
      return left
    }
    span?.end('not_taken_over')
    this.#deps.cache.drop(line.kept.key, next)
    await this.#deps.giveBack(next)
    this.#notRotated(line)
  }

  /** May it be used? By the monotonic clock, which the server's follows: doubt is no end. */
  #isLiving(kept: Kept): boolean {
    return kept.lastsMs(this.#moment().nowMs) > 0
  }

  /** Is it still to be kept alive? Its last holder may have let go, or the gateway closed. */
  #isKept(line: Line): boolean {
    return !this.#isClosed && this.#lines.get(line.kept.key) === line
  }

  #notRotated(line: Line): void {
    if (!this.#isKept(line)) return
    line.state = ACTIVE
    const { kept } = line
    if (this.#isLiving(kept)) {
      this.#deps.cache.put(line.kept.key, kept, true)
      this.#retry(line, 'rotate')
    } else if (kept.hasEnded && line.holders.length === 0) {
      this.#lines.delete(line.kept.key)
    } else {
      this.#end(line, 'expired')
      line.state = { at: 'ended', how: line.how ?? 'expired' }
      if (this.#isKept(line)) this.#retry(line, 'rotate')
    }
  }

  async #prepare(line: Line, next: Kept): Promise<boolean> {
    const refusal = await prepare(line, next, this.#patience, line.kept.lastsMs(this.#moment().nowMs))
    if (refusal !== undefined) this.#failed(line, 'rotate', refusal.reason)
    return refusal === undefined
  }

  /** Makes `next` current, and releases its predecessor once its users have gone. */
  async #adopt(line: Line, next: Kept): Promise<void> {
    const previous = line.kept
    line.kept = next
    line.generation += 1
    line.renewed = undefined
    line.isUnrenewable = false
    line.tries = NO_TRIES
    line.state = ACTIVE
    this.#deps.cache.put(line.kept.key, next, true)
    this.#plan(line)
    this.#deps.listener.rotated(next.path, () => leaseNameOf(next))
    if (line.holders.length > 0) await commit(line, previous, this.#patience, previous.lastsMs(this.#moment().nowMs))
    if (previous.isAtServer(this.#moment().nowMs)) await this.#deps.giveBack(previous)
  }

  #end(line: Line, how: LeaseEnd): void {
    const { kept } = line
    if (kept.hasEnded) return
    if (how === 'expired') kept.lapse()
    else kept.end()
    this.#deps.cache.drop(line.kept.key, kept)
    this.#deps.listener.ended(kept.path, how, () => leaseNameOf(kept))
    for (const holder of line.holders) holder.ended(how)
    line.how = how
    if (line.state.at === 'rotating') return
    if (line.holders.length === 0) {
      this.#deps.schedule.remove(line)
      this.#lines.delete(line.kept.key)
      return
    }
    line.state = { at: 'ended', how }
    this.#due(line, this.#moment().nowMs)
  }

  #retry(line: Line, next: 'renew' | 'rotate'): void {
    const step = retryOf(line, next, this.#moment().nowMs, this.#deps.random.fraction())
    line.next = step.kind
    this.#due(line, step.atMs)
  }

  #failed(line: Line, what: 'renew' | 'rotate', error: unknown): void {
    line.tries = { ...line.tries, failures: line.tries.failures + 1 }
    const code = codeOf(error)
    this.#deps.listener.failing(line.kept.path, what, code)
    const ttlMs = Math.max(line.kept.ttlMs(this.#moment()), 0)
    for (const holder of line.holders) holder.failing(code, ttlMs)
  }

  async #releaseLine(line: Line): Promise<void> {
    this.#deps.schedule.remove(line)
    this.#lines.delete(line.kept.key)
    this.#deps.cache.drop(line.kept.key, line.kept)
    const { kept } = line
    const released = kept.isAtServer(this.#moment().nowMs) ? await this.#deps.giveBack(kept) : 'released'
    for (const holder of line.holders) holder.ended(released)
  }

  /** The server tells; where it cannot, a successor does: what is in doubt is not served. */
  async #settleDoubt(kept: Kept): Promise<void> {
    this.#doubted.add(kept)
    await this.#deps.lookUp(kept).catch(() => {})
    const line = this.#lines.get(kept.key)
    if (!kept.isDoubtful(this.#moment())) this.#doubted.delete(kept)
    else if (line?.kept === kept && line.state.at === 'active') {
      line.next = 'rotate'
      this.#due(line, this.#moment().nowMs)
    }
  }
}
