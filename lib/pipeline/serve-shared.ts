import { LeaseError } from '../errors/index.ts'
import type { Seat } from '../lease/budget.ts'
import { isFresh, type KeepGrant } from '../lease/cache.ts'
import { createFlights, type Flight } from '../lease/flights.ts'
import { type Kept, type Moment, openKept } from '../lease/kept.ts'
import { cacheKey } from '../lease/key.ts'
import type { Line } from '../lease/line.ts'
import { type Answer, type AnswerFacts, SealedAnswer } from '../model/answer.ts'
import type { Source } from '../model/audit-entry.ts'
import { BoundedMap } from '../model/bounded-map.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import { Works } from '../model/works.ts'
import { type AnswerRecords, createAnswerRecords } from './answer-records.ts'
import type { Call } from './call.ts'
import { type HoldSource, hold } from './hold.ts'
import { arrive, type Landed } from './landed.ts'
import { NO_SEAT } from './lease-limits.ts'
import { givenMs } from './lives.ts'
import { createOrigins } from './origin.ts'
import { subjectOf } from './serve-alone.ts'
import type { ServeShared, ServeSharedDeps, Verified } from './serve-shared-contract.ts'
import { grantOf, HELD, isFinal, isOurs, isPassing, keyOf } from './shared-call.ts'
import { createSuccessors, type Successors } from './successors.ts'
import { within } from './within.ts'

export type { ServeShared, ServeSharedDeps, Verified } from './serve-shared-contract.ts'

/** Keys remembered to answer without a lease: nobody need wait there for another's answer. */
const STATIC_KEYS = 10_000

export function createServeShared(deps: ServeSharedDeps): ServeShared {
  return new SharedServer(deps)
}

class SharedServer implements ServeShared, HoldSource {
  readonly #deps: ServeSharedDeps
  readonly #flights = createFlights<Landed>()
  readonly #static = new BoundedMap<true>(STATIC_KEYS)
  readonly #works = new Works()
  readonly #records: AnswerRecords
  readonly #successors: Successors
  readonly #originOf = createOrigins((origin, previous) => this.#works.track(this.#successors.remint(origin, previous)))
  /** What answers of holders were made from. */
  readonly #served = new WeakMap<Answer, Kept>()

  constructor(deps: ServeSharedDeps) {
    this.#deps = deps
    this.#records = createAnswerRecords(deps.policy, deps.entries)
    this.#successors = createSuccessors({
      ...deps,
      flights: this.#flights,
      fly: (call, key, seat) => this.#fly(call, key, seat, true),
      accept: (call, landed) => this.#accept(call, landed),
      endUnwanted: this.#endUnwanted.bind(this),
    })
  }

  async serve(call: Call): Promise<Answer> {
    const { cache, keeper, telemetry, verifier } = this.#deps
    const { identity, verdict } = call
    const key = keyOf(call)
    const at = this.#moment()
    const own = cache.get(key, grantOf(call), at)
    const kept = own ?? (identity.id === '' ? undefined : await this.#lent(call))
    if (kept !== undefined) {
      keeper.asked(kept, at)
      const live = verifier.isLive(kept, own === undefined ? this.#moment() : at)
      if (live === true || (await live)) {
        telemetry.count('portcullis.cache.lookups', HIT)
        return this.#give(call, kept, live === true && own !== undefined ? at : this.#moment(), 'cache')
      }
      cache.drop(kept.key, kept)
    }
    telemetry.count('portcullis.cache.lookups', MISS)
    const isStatic = verdict.cache === undefined && call.isHeld !== true && this.#static.get(key) === true
    if (isStatic) return this.#deps.serveAlone(call)
    const flight = this.#flights.join(key)
    const work = flight === undefined ? this.#lead(call, key) : this.#land(call, key, flight, false)
    return within(this.#works.track(work), call, this.#deps.clock)
  }

  async hold(call: Call, take: (line: Line) => void): Promise<Answer> {
    return hold({ ...this.#deps, source: this }, call, take)
  }

  keptOf(answer: Answer): Kept | undefined {
    return this.#served.get(answer)
  }

  line(call: Call, kept: Kept): Line | undefined {
    const { cache, keeper } = this.#deps
    const key = keyOf(call)
    const isUsable = !kept.hasEnded && !kept.isOver(this.#moment())
    if (isUsable && keeper.line(key)?.kept !== kept && !keeper.isRotating(key)) {
      cache.put(key, kept, true)
      this.#tend(call, key, kept)
    }
    const line = keeper.line(key)
    return line?.kept.hasEnded === true ? undefined : line
  }

  async verify(call: Call): Promise<Verified> {
    const { cache } = this.#deps
    const watched = { ...call, isWatched: true }
    const key = keyOf(watched)
    const { nowMs } = this.#moment()
    const joined = this.#flights.join(key)
    const flight = joined ?? this.#flights.start(key, () => this.#fly(watched, key, NO_SEAT))
    try {
      const answer = await this.#works.track(this.#land(watched, key, flight, joined === undefined))
      const { exchange } = await flight.outcome
      cache.outdate(key, exchange.sentAt.nowMs)
      return { answer, server: exchange.answer, sentAt: exchange.sentAt }
    } catch (error) {
      if (isFinal(error)) cache.outdate(key, nowMs)
      throw error
    }
  }

  answerOf(call: Call, kept: Kept): Answer {
    const at = this.#moment()
    const ttlMs = Math.max(kept.ttlMs(at), 0)
    const facts = { source: 'cache', ageMs: kept.ageMs(at), ttlMs, verifiedMs: kept.verifiedMs(at) } as const
    return new SealedAnswer(openKept(kept), facts, call.verdict.decision)
  }

  settled(): Promise<void> {
    return this.#works.settled()
  }

  /** What the gateway's session fetched, where the caller's own token may see it too. */
  async #lent(call: Call): Promise<Kept | undefined> {
    const { request, caller, verdict, identity } = call
    if (verdict.isCallersOwn === true) return undefined
    const key = cacheKey(request, caller, 'gateway', '', verdict.maxTtlMs)
    if (this.#deps.cache.get(key, verdict.cache, this.#moment()) === undefined) return undefined
    if (!(await this.#deps.maySee(identity, request))) return undefined
    return this.#deps.cache.get(key, verdict.cache, this.#moment())
  }

  /** Starts the flight of `key`, where the caller's rules have room for what it may mint. */
  async #lead(call: Call, key: string): Promise<Answer> {
    const { leaseLimits } = this.#deps
    const isStatic = this.#static.get(key) === true
    const ready = leaseLimits.ready(call, isStatic)
    if (ready !== undefined) {
      await ready
      if (this.#isThere(call, key)) return this.serve(call)
    }
    const admitted = leaseLimits.admit(call, isStatic)
    if (admitted instanceof Promise) return this.#leadLater(call, key, admitted)
    return this.#land(call, key, this.#start(call, key, admitted), true)
  }

  /** Others may have been first meanwhile: what they get mints nothing, so it is refused to nobody. */
  async #leadLater(call: Call, key: string, admitted: Promise<Seat>): Promise<Answer> {
    const [outcome] = await Promise.allSettled([admitted])
    const isThere = this.#isThere(call, key)
    if (outcome.status === 'rejected') return isThere ? this.serve(call) : this.#deps.refuse(call, outcome.reason)
    if (!isThere && call.signal?.aborted !== true) {
      return this.#land(call, key, this.#start(call, key, outcome.value), true)
    }
    outcome.value.leave()
    call.signal?.throwIfAborted()
    return this.serve(call)
  }

  #isThere(call: Call, key: string): boolean {
    return this.#flights.has(key) || this.#deps.cache.get(key, grantOf(call), this.#moment()) !== undefined
  }

  #start(call: Call, key: string, seat: Seat): Flight<Landed> {
    return this.#flights.start(key, () => this.#fly(call, key, seat))
  }

  /** The one exchange of a flight. Led by its first call, ended by nobody's abort. */
  async #fly(call: Call, key: string, ruleSeat: Seat, isSuccessor = false): Promise<Landed> {
    const { admission, budget, cache, entries, keeper, send } = this.#deps
    const { id, request } = call
    const { namespace, path } = request
    // A watch mints nothing that is kept, and is bounded by its own rate.
    const isFree = call.isWatched === true || this.#static.get(key) === true
    const seats = [ruleSeat]
    const arrived = cache.depart()
    let kept: Kept | undefined
    try {
      const nowMs = this.#moment().nowMs
      seats.push(isSuccessor ? budget.succeed(namespace, path, nowMs) : await admission.shared(request, isFree))
      await entries.request(subjectOf(call))
      const timeoutMs = Math.max(call.timeoutMs ?? 0, this.#deps.timeoutMs)
      const exchange = await send({ id, request, session: call.identity.session, signal: undefined, timeoutMs })
      const arrival = arrive(call, key, exchange)
      kept = arrival.kept
      if (kept !== undefined && isOurs(call)) this.#deps.retire(kept)
      if (arrival.isStatic) this.#static.set(key, true)
      if (kept === undefined || arrived(kept) || isSuccessor) return { exchange, kept, taken: 0 }
      const isTended = isOurs(call) && (kept.isLeased || call.isHeld === true) && !keeper.isRotating(key)
      cache.put(key, kept, isTended)
      if (isTended) this.#tend(call, key, kept)
      return { exchange, kept, taken: 0 }
    } finally {
      arrived(undefined)
      for (const seat of seats) {
        if (kept?.isLeased === true) seat.land(kept, this.#moment().nowMs)
        else seat.leave()
      }
    }
  }

  /** Has `kept` kept alive. What a caller's own token fetched is not: that token is not ours to act with. */
  #tend(call: Call, key: string, kept: Kept): void {
    if (isOurs(call)) this.#deps.keeper.land(key, kept, this.#originOf(call))
  }

  async #land(call: Call, key: string, flight: Flight<Landed>, led: boolean): Promise<Answer> {
    let landed: Landed
    try {
      landed = await flight.outcome
    } catch (error) {
      flight.waiting -= 1
      return this.#giveStale(call, key, error)
    }
    const { kept } = landed
    // Not even its leader is given what ended on the way: the process may have been stopped meanwhile.
    const isFit = kept === undefined ? led : isCertain(kept, led ? HELD : grantOf(call), this.#moment())
    const isMine = call.isWatched === true || isFit
    try {
      if (isMine) return await this.#giveLanded(call, landed, led)
    } finally {
      flight.waiting -= 1
      await this.#endUnwanted(call, key, flight, landed)
    }
    if (call.isHeld !== true || kept === undefined) return this.#deps.serveAlone(call)
    // Fetched alone, nobody would keep it alive.
    const error = new LeaseError('ERR_PORTCULLIS_LEASE_EXPIRED', `the lease on ${kept.path} ended on its way`)
    throw await this.#deps.entries.failure(subjectOf(call), 'response', error)
  }

  async #accept(call: Call, { exchange, kept }: Landed): Promise<void> {
    const subject = { ...this.#records.subject(call, exchange.answer), auth: exchange.token?.audit }
    await this.#records.check(call, exchange.answer, kept, subject)
    await this.#deps.entries.response(subject, this.#records.landed(call, exchange.answer, kept, true))
  }

  async #giveLanded(call: Call, landed: Landed, led: boolean): Promise<Answer> {
    const { exchange, kept } = landed
    const audit = this.#records.landed(call, exchange.answer, kept, led)
    const subject = { ...this.#records.subject(call, exchange.answer), auth: exchange.token?.audit }
    const isRead = kept !== undefined && call.isHeld !== true
    // From here on: while this call waits for the audit, nobody may have it revoked.
    if (isRead) kept.readers += 1
    try {
      await this.#records.check(call, exchange.answer, kept, subject)
      await this.#deps.entries.response(subject, audit)
    } catch (error) {
      if (isRead) kept.readers -= 1
      throw error
    }
    // What does not end is not held: a token that came of it is given back.
    if (kept !== undefined || call.isHeld !== true) landed.taken += 1
    const ageMs = this.#deps.clock.now() - exchange.sentAt.nowMs
    const ttlMs = Math.max(Math.min(givenMs(exchange, call.verdict), kept?.maxTtlMs ?? Infinity) - ageMs, 0)
    const facts = { source: 'server', ageMs: led ? 0 : ageMs, ttlMs, verifiedMs: led ? 0 : ageMs } as const
    return this.#answer(call, exchange.answer, facts, kept)
  }

  #answer(call: Call, answer: ServerAnswer, facts: AnswerFacts, kept: Kept | undefined): Answer {
    const given = new SealedAnswer(answer, facts, call.verdict.decision)
    if (kept !== undefined && call.isHeld === true) this.#served.set(given, kept)
    return given
  }

  /** The last call to leave a flight that nobody took anything from ends what it minted. */
  async #endUnwanted(
    call: Call,
    key: string,
    flight: Flight<Landed>,
    { exchange, kept, taken }: Landed,
  ): Promise<void> {
    if (flight.waiting > 0 || taken > 0 || (kept?.taken ?? 0) > 0) return
    if (kept !== undefined && kept.leftMs(this.#moment().nowMs) <= 0) {
      this.#deps.cache.drop(key, kept)
      return
    }
    if (kept !== undefined) {
      this.#deps.cache.drop(key, kept)
      this.#deps.keeper.ended((each) => each === kept, 'released')
      kept.end()
    }
    await this.#deps.release(exchange, call.request)
  }

  async #giveStale(call: Call, key: string, error: unknown): Promise<Answer> {
    const at = this.#moment()
    const mayBeStale = call.isWatched !== true && isPassing(error)
    const kept = mayBeStale ? this.#deps.cache.getStale(key, call.verdict.cache, at) : undefined
    if (kept !== undefined) return this.#give(call, kept, at, 'stale')
    throw await this.#deps.entries.failure(subjectOf(call), 'response', error)
  }

  /** A hit: checked by the caller's own rule, recorded in one entry, since nothing left the process. */
  async #give(call: Call, kept: Kept, at: Moment, source: Source): Promise<Answer> {
    const subject = this.#records.subject(call, openKept(kept))
    const form = this.#records.hit(call, kept)
    const audit = source === 'cache' ? form : { ...form, source }
    // Taken from here on: while this call waits for the audit, another's refusal must not end the lease.
    kept.taken += 1
    const isRead = call.isHeld !== true
    if (isRead) kept.readers += 1
    try {
      if (call.verdict.checksResponse) await this.#records.check(call, openKept(kept), kept, subject)
      const recorded = this.#deps.entries.response(subject, audit)
      if (recorded !== undefined) await recorded
    } catch (error) {
      kept.taken -= 1
      if (isRead) kept.readers -= 1
      throw error
    }
    const facts = { source, ageMs: kept.ageMs(at), ttlMs: kept.ttlMs(at), verifiedMs: kept.verifiedMs(at) }
    return this.#answer(call, openKept(kept), facts, kept)
  }

  #moment(): Moment {
    const { clock } = this.#deps
    return { nowMs: clock.now(), wallMs: clock.wallTime() }
  }
}

/** What is in doubt can be looked up when it comes from the cache; what has just landed is fetched anew. */
function isCertain(kept: Kept, grant: KeepGrant | undefined, at: Moment): boolean {
  return isFresh(kept, grant, at) && !kept.isDoubtful(at)
}

const HIT = Object.freeze({ 'portcullis.cache.result': 'hit' })
const MISS = Object.freeze({ 'portcullis.cache.result': 'miss' })
