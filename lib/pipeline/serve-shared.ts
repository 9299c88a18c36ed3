import { LeaseError } from '../errors/index.ts'
import { isFresh, type KeepGrant } from '../lease/cache.ts'
import { createFlights, type Flight } from '../lease/flights.ts'
import { type Kept, type Moment, openKept, requestOf } from '../lease/kept.ts'
import { cacheKey } from '../lease/key.ts'
import type { Line } from '../lease/line.ts'
import { type Answer, type AnswerFacts, SealedAnswer } from '../model/answer.ts'
import type { AuditResponse, Source } from '../model/audit-entry.ts'
import { BoundedMap } from '../model/bounded-map.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import { Works } from '../model/works.ts'
import type { Call } from './call.ts'
import { denial, withheld } from './denial.ts'
import type { EntrySubject } from './entries.ts'
import { type HoldSource, hold } from './hold.ts'
import { arrive, type Landed } from './landed.ts'
import { livesMs } from './lives.ts'
import { type CallOrigin, createOrigins } from './origin.ts'
import { answerDecision, responseRefusal } from './response-check.ts'
import { subjectOf } from './serve-alone.ts'
import type { ServeShared, ServeSharedDeps, Verified } from './serve-shared-contract.ts'
import { grantOf, HELD, isFinal, isOurs, isPassing, keyOf } from './shared-call.ts'
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
  readonly #originOf = createOrigins((origin, previous) => this.#works.track(this.#remint(origin, previous)))
  /** What answers of holders were made from. */
  readonly #served = new WeakMap<Answer, Kept>()

  constructor(deps: ServeSharedDeps) {
    this.#deps = deps
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
    const joined = this.#flights.join(key)
    const flight = joined ?? this.#flights.start(key, () => this.#fly(call, key))
    return within(this.#works.track(this.#land(call, key, flight, joined === undefined)), call, this.#deps.clock)
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
    const flight = joined ?? this.#flights.start(key, () => this.#fly(watched, key))
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
    const key = cacheKey(request, caller, 'gateway', '')
    if (this.#deps.cache.get(key, verdict.cache, this.#moment()) === undefined) return undefined
    if (!(await this.#deps.maySee(identity, request))) return undefined
    return this.#deps.cache.get(key, verdict.cache, this.#moment())
  }

  /** The one exchange of a flight. Led by its first call, ended by nobody's abort. */
  async #fly(call: Call, key: string, isSuccessor = false): Promise<Landed> {
    const { admission, budget, cache, entries, keeper, send } = this.#deps
    const { id, request } = call
    const { namespace, path } = request
    // A watch mints nothing that is kept, and is bounded by its own rate.
    const isFree = call.isWatched === true || this.#static.get(key) === true
    const nowMs = this.#deps.clock.now()
    const seat = isSuccessor ? budget.succeed(namespace, path, nowMs) : await admission.shared(request, isFree)
    const arrived = cache.depart()
    let kept: Kept | undefined
    try {
      await entries.request(subjectOf(call))
      const timeoutMs = Math.max(call.timeoutMs ?? 0, this.#deps.timeoutMs)
      const exchange = await send({ id, request, session: call.identity.session, signal: undefined, timeoutMs })
      const arrival = arrive(call, key, exchange)
      kept = arrival.kept
      if (arrival.isStatic) this.#static.set(key, true)
      if (kept === undefined || arrived(kept) || isSuccessor) return { exchange, kept, taken: 0 }
      const isTended = isOurs(call) && (kept.isLeased || call.isHeld === true) && !keeper.isRotating(key)
      cache.put(key, kept, isTended)
      if (isTended) this.#tend(call, key, kept)
      return { exchange, kept, taken: 0 }
    } finally {
      arrived(undefined)
      if (kept?.isLeased === true) seat.land(kept, this.#moment().nowMs)
      else seat.leave()
    }
  }

  /** Has `kept` kept alive. What a caller's own token fetched is not: that token is not ours to act with. */
  #tend(call: Call, key: string, kept: Kept): void {
    if (isOurs(call)) this.#deps.keeper.land(key, kept, this.#originOf(call))
  }

  /** The same request once more, decided and recorded anew: policies may have changed. */
  async #remint({ caller, identity, isHeld }: CallOrigin, previous: Kept): Promise<Kept> {
    const { policy, entries, nextId } = this.#deps
    const request = requestOf(previous)
    const verdict = policy.decide(caller, request)
    const who = { caller, identity, request, isHeld, isLogin: false }
    const call: Call = { ...who, id: nextId(), verdict, trace: undefined, signal: undefined, timeoutMs: undefined }
    if (verdict.decision.effect === 'deny') {
      throw await entries.failure(subjectOf(call), 'request', denial(verdict.decision, request))
    }
    const arrived = this.#deps.cache.depart()
    try {
      const kept = await this.#mint(call, previous.key)
      // Revoked on its way: it is given back.
      if (arrived(kept)) kept.end()
      return kept
    } finally {
      arrived(undefined)
    }
  }

  async #mint(call: Call, key: string): Promise<Kept> {
    const { entries, release } = this.#deps
    const { request } = call
    const flight = this.#flights.join(key) ?? this.#flights.start(key, () => this.#fly(call, key, true))
    let landed: Landed
    try {
      landed = await flight.outcome
    } catch (error) {
      throw await entries.failure(subjectOf(call), 'response', error)
    } finally {
      flight.waiting -= 1
    }
    const { exchange, kept } = landed
    if (kept === undefined) {
      await release(exchange, request)
      throw new LeaseError('ERR_PORTCULLIS_LEASE_NONE', `${request.operation} ${request.path} no longer gives a lease`)
    }
    try {
      const subject = { ...this.#subject(call, exchange.answer), auth: exchange.token?.audit }
      await this.#check(call, exchange.answer, kept, subject)
      await entries.response(subject, this.#auditLanded(exchange.answer, kept, true))
    } catch (error) {
      await this.#endUnwanted(call, key, flight, landed)
      throw error
    }
    return kept
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

  async #giveLanded(call: Call, landed: Landed, led: boolean): Promise<Answer> {
    const { exchange, kept } = landed
    const audit = this.#auditLanded(exchange.answer, kept, led)
    const subject = { ...this.#subject(call, exchange.answer), auth: exchange.token?.audit }
    const isRead = kept !== undefined && call.isHeld !== true
    // From here on: while this call waits for the audit, nobody may have it revoked.
    if (isRead) kept.readers += 1
    try {
      await this.#check(call, exchange.answer, kept, subject)
      await this.#deps.entries.response(subject, audit)
    } catch (error) {
      if (isRead) kept.readers -= 1
      throw error
    }
    // What does not end is not held: a token that came of it is given back.
    if (kept !== undefined || call.isHeld !== true) landed.taken += 1
    const ageMs = this.#deps.clock.now() - exchange.sentAt.nowMs
    const ttlMs = Math.max(livesMs(exchange) - ageMs, 0)
    const facts = { source: 'server', ageMs: led ? 0 : ageMs, ttlMs, verifiedMs: led ? 0 : ageMs } as const
    return this.#answer(call, exchange.answer, facts, kept)
  }

  #answer(call: Call, answer: ServerAnswer, facts: AnswerFacts, kept: Kept | undefined): Answer {
    const given = new SealedAnswer(answer, facts, call.verdict.decision)
    if (kept !== undefined && call.isHeld === true) this.#served.set(given, kept)
    return given
  }

  #auditLanded(answer: ServerAnswer, kept: Kept | undefined, led: boolean): AuditResponse {
    if (led) return this.#deps.entries.answered(answer, 'server')
    const audit = kept?.audit(this.#answered) ?? this.#deps.entries.answered(answer, 'server')
    return { ...audit, source: 'server', shared: true }
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
    const subject = this.#subject(call, openKept(kept))
    const form = kept.audit(this.#answered)
    const audit = source === 'cache' ? form : { ...form, source }
    // Taken from here on: while this call waits for the audit, another's refusal must not end the lease.
    kept.taken += 1
    const isRead = call.isHeld !== true
    if (isRead) kept.readers += 1
    try {
      if (call.verdict.checksResponse) await this.#check(call, openKept(kept), kept, subject)
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

  readonly #answered = (answer: ServerAnswer): AuditResponse => this.#deps.entries.answered(answer, 'cache')

  #subject(call: Call, answer: ServerAnswer): EntrySubject {
    return subjectOf(call, answerDecision(this.#deps.policy, call, answer))
  }

  async #check(call: Call, answer: ServerAnswer, kept: Kept | undefined, subject: EntrySubject): Promise<void> {
    const { verdict, request } = call
    if (!verdict.checksResponse || kept?.passed(verdict) === true) return
    const refusal = responseRefusal(this.#deps.policy, call, answer)
    if (refusal === undefined) return kept?.markPassed(verdict)
    const error = withheld(refusal, request, false)
    const decision = answerDecision(this.#deps.policy, call, answer, refusal)
    throw await this.#deps.entries.failure({ ...subject, decision }, 'response', error)
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
