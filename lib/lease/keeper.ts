import { PortcullisError, ServerError } from '../errors/index.ts'
import type { LeaseEnd } from '../model/lease.ts'
import type { SessionToken } from '../session/session.ts'
import { before } from './before.ts'
import type { Keeper, KeeperDeps } from './keeper-contract.ts'
import { type Kept, type Moment, openKept } from './kept.ts'
import { ACTIVE, type Holder, Line, type Origin } from './line.ts'
import { graceMs, nextStep, retryDelay } from './renewal.ts'

export type { Keeper, KeeperDeps, KeeperListener } from './keeper-contract.ts'

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
  #isClosed = false

  constructor(deps: KeeperDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#lines.size
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
      void this.#adopt(line, kept)
    }
  }

  isRotating(key: string): boolean {
    return this.#lines.get(key)?.state.at === 'rotating'
  }

  asked(kept: Kept, at: Moment): void {
    kept.askedAtMs = at.nowMs
    const line = this.#lines.get(kept.key)
    if (line?.state.at !== 'idle') return
    line.state = ACTIVE
    this.#plan(line)
  }

  line(key: string): Line | undefined {
    return this.#lines.get(key)
  }

  hold(line: Line, holder: Holder): void {
    line.holders = [...line.holders, holder]
    if (line.state.at !== 'idle') return
    line.state = ACTIVE
    this.#plan(line)
  }

  async letGo(line: Line, holder: Holder): Promise<void> {
    const others = line.holders.filter((each) => each !== holder)
    if (others.length === line.holders.length) return
    line.holders = others
    if (others.length > 0 || this.#isClosed) return
    await this.#releaseLine(line)
  }

  ended(isMeant: (kept: Kept) => boolean, how: LeaseEnd): void {
    for (const line of [...this.#lines.values()]) {
      if (line.state.at !== 'ended' && isMeant(line.kept)) this.#end(line, how)
    }
    this.#deps.cache.evictWhere(isMeant)
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
    const held = [...this.#lines.values()].filter(({ holders }) => holders.length > 0)
    for (const line of this.#lines.values()) this.#deps.schedule.remove(line)
    await Promise.all(held.map((line) => this.#releaseLine(line)))
    this.#lines.clear()
  }

  #plan(line: Line): void {
    const { kept } = line
    const { nowMs } = this.#moment()
    if (kept.isLeased && kept.fate !== undefined && this.#succeeded.has(kept.fate)) {
      line.next = 'rotate'
      const leftMs = Math.min(kept.fate.endsAtMs - nowMs, kept.ttlMs(this.#moment()))
      this.#due(line, nowMs + this.#deps.random.fraction() * Math.max(0, leftMs / 2))
      return
    }
    // Not bounded by the token's end: a session tells when it is succeeded, and its end then is not one to wait for.
    const facts = {
      issuedAtMs: kept.grantedAtMs,
      ttlMs: kept.livesMs,
      renewable: openKept(kept).renewable && !line.isUnrenewable,
      maxEndsAtMs: Infinity,
      kind: kept.kind,
      renewed: line.renewed,
    }
    const step = nextStep(facts, nowMs, this.#deps.random.fraction())
    line.next = step.kind
    this.#due(line, step.atMs)
  }

  #due(line: Line, atMs: number): void {
    if (!this.#isClosed) this.#deps.schedule.put(line, atMs)
  }

  #run(line: Line): void {
    if (this.#isClosed || this.#lines.get(line.kept.key) !== line) return
    const { state, next } = line
    if (state.at !== 'active' && state.at !== 'ended') return
    if (state.at === 'active' && next === 'end') this.#end(line, 'expired')
    else if (state.at === 'active' && this.#isIdle(line)) line.state = { at: 'idle' }
    else if (state.at === 'active' && next === 'renew') void this.#renewInTurn(line)
    else void this.#rotate(line)
  }

  #isIdle({ holders, kept }: Line): boolean {
    if (holders.length > 0) return false
    const idleMs = this.#deps.idleMs ?? kept.livesMs
    return this.#moment().nowMs - kept.askedAtMs >= idleMs
  }

  /** Renewals that are due together go one after the other, but none is put off beyond the start of its grace. */
  async #renewInTurn(line: Line): Promise<void> {
    const { clock, governor } = this.#deps
    const nowMs = clock.now()
    line.state = { at: 'renewing' }
    const { grantedAtMs, livesMs } = line.kept
    const waitMs = Math.min(governor.delay(nowMs), grantedAtMs + livesMs - graceMs(livesMs) - nowMs)
    if (waitMs > 0) await new Promise<void>((resolve) => void this.#deps.schedule.at(nowMs + waitMs, resolve))
    if (this.#isClosed || line.state.at !== 'renewing') return
    await this.#renew(line)
  }

  async #renew(line: Line): Promise<void> {
    const { kept } = line
    const at = this.#moment()
    const leftMs = kept.livesMs - (at.nowMs - kept.grantedAtMs)
    let token: SessionToken | undefined
    try {
      token = await this.#deps.token()
      const { namespace } = kept
      const data = { lease_id: openKept(kept).leaseId, increment: Math.ceil(kept.livesMs / 1000) }
      const path = 'sys/leases/renew'
      const answer = await this.#deps.exchange({ operation: 'write', path, namespace, data, token: token.token })
      if (line.kept !== kept || line.state.at !== 'renewing') return
      this.#renewed(line, at, leftMs, answer.leaseDurationMs, answer.renewable)
    } catch (error) {
      await this.#renewalFailed(line, kept, token, error)
    }
  }

  #renewed(line: Line, at: Moment, leftMs: number, grantedMs: number, isRenewable: boolean): void {
    const { kept } = line
    kept.extend(at, grantedMs)
    line.renewed = { leftMs, grantedMs }
    line.isUnrenewable = !isRenewable
    line.failures = 0
    line.state = ACTIVE
    this.#plan(line)
    const ttlMs = kept.ttlMs(this.#moment())
    this.#deps.listener.renewed(kept.path, ttlMs)
    for (const holder of line.holders) holder.renewed(ttlMs)
  }

  async #renewalFailed(line: Line, kept: Kept, token: SessionToken | undefined, error: unknown): Promise<void> {
    const status = error instanceof ServerError ? error.status : 0
    if (status === 400) {
      // Dead, or not renewable after all: a look-up tells which.
      await this.#deps.lookUp(kept).catch(() => {})
      line.isUnrenewable = true
    } else if (status === 403 && token !== undefined) {
      const isFinal = (await this.#deps.forbidden(token).catch(() => 'unknown')) === 'final'
      if (isFinal) line.isUnrenewable = true
    }
    if (line.kept !== kept || line.state.at !== 'renewing') return
    line.state = ACTIVE
    this.#failed(line, 'renew', error)
    if (line.isUnrenewable) this.#plan(line)
    else this.#retry(line, 'renew')
  }

  /** Has a successor minted. The old value serves meanwhile, if it still lives. */
  async #rotate(line: Line): Promise<void> {
    line.state = { at: 'rotating' }
    const span = this.#deps.telemetry.span('portcullis.lease.rotate', {}, true)
    try {
      const next = await line.origin.mint(line.kept)
      const isWanted = !this.#isClosed && this.#lines.get(line.kept.key) === line
      if (isWanted && (await this.#prepare(line, next))) {
        const left = this.#adopt(line, next)
        // From here on the successor is current; users of its predecessor may take their time.
        span.end()
        await left
      } else {
        span.end('not_taken_over')
        await this.#giveBack(next)
      }
      if (line.kept !== next && isWanted) this.#notRotated(line)
    } catch (error) {
      span.end(codeOf(error))
      this.#failed(line, 'rotate', error)
      this.#notRotated(line)
    }
  }

  #notRotated(line: Line): void {
    const isOver = line.kept.isOver(this.#moment())
    line.state = isOver ? { at: 'ended', how: 'expired' } : ACTIVE
    if (isOver && line.holders.length === 0) this.#lines.delete(line.kept.key)
    else this.#retry(line, 'rotate')
  }

  async #prepare(line: Line, next: Kept): Promise<boolean> {
    const prepared = Promise.allSettled(line.holders.map((holder) => holder.prepare(next)))
    const outcomes = await before(prepared, line.kept.ttlMs(this.#moment()), this.#deps.clock)
    const refusal = outcomes?.find((outcome) => outcome.status === 'rejected')
    if (refusal === undefined) return true
    for (const holder of line.holders) holder.abandon(next)
    this.#failed(line, 'rotate', refusal.reason)
    return false
  }

  /** Makes `next` current, and releases its predecessor once its users have gone. */
  async #adopt(line: Line, next: Kept): Promise<void> {
    const previous = line.kept
    line.kept = next
    line.generation += 1
    line.renewed = undefined
    line.isUnrenewable = false
    line.failures = 0
    line.state = ACTIVE
    next.askedAtMs = Math.max(next.askedAtMs, previous.askedAtMs)
    this.#deps.cache.put(line.kept.key, next)
    this.#plan(line)
    this.#deps.listener.rotated(next.path)
    if (line.holders.length === 0) return
    const leaving = Promise.allSettled(line.holders.map((holder) => holder.commit(previous)))
    for (const holder of line.holders) holder.rotated()
    await before(leaving, previous.ttlMs(this.#moment()), this.#deps.clock)
    if (!previous.isOver(this.#moment())) await this.#giveBack(previous)
  }

  /** What a read gave away is left to lapse: nobody's value is revoked under him. */
  async #giveBack(kept: Kept): Promise<'released' | 'leaked'> {
    return kept.isHandedOut ? 'released' : this.#deps.giveBack(kept)
  }

  #end(line: Line, how: LeaseEnd): void {
    if (line.state.at === 'ended') return
    const { kept } = line
    kept.end()
    this.#deps.cache.drop(line.kept.key, kept)
    this.#deps.listener.ended(kept.path, how)
    for (const holder of line.holders) holder.ended(how)
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
    const at = this.#moment()
    const isOver = line.state.at === 'ended'
    const leftMs = isOver ? Infinity : line.kept.ttlMs(at)
    const delayMs = retryDelay(Math.max(line.failures, 1), line.waitedMs, leftMs, this.#deps.random.fraction())
    if (delayMs === Infinity) {
      line.next = 'end'
      this.#due(line, at.nowMs + Math.max(leftMs, 0))
      return
    }
    line.waitedMs = delayMs
    const graceAtMs = at.nowMs + leftMs - graceMs(line.kept.livesMs)
    line.next = next === 'renew' && at.nowMs + delayMs >= graceAtMs ? 'rotate' : next
    this.#due(line, at.nowMs + delayMs)
  }

  #failed(line: Line, what: 'renew' | 'rotate', error: unknown): void {
    line.failures += 1
    const code = codeOf(error)
    this.#deps.listener.failing(line.kept.path, what, code)
    const ttlMs = Math.max(line.kept.ttlMs(this.#moment()), 0)
    for (const holder of line.holders) holder.failing(code, ttlMs)
  }

  async #releaseLine(line: Line): Promise<void> {
    this.#deps.schedule.remove(line)
    this.#lines.delete(line.kept.key)
    this.#deps.cache.drop(line.kept.key, line.kept)
    const wasAlive = !line.kept.isOver(this.#moment())
    const released = wasAlive ? await this.#giveBack(line.kept) : 'released'
    for (const holder of line.holders) holder.ended(released)
  }

  #moment(): Moment {
    const { clock } = this.#deps
    return { nowMs: clock.now(), wallMs: clock.wallTime() }
  }
}

function codeOf(error: unknown): string {
  return error instanceof PortcullisError ? error.code : 'unknown'
}
