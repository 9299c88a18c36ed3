import { ServerError, SessionError } from '../errors/index.ts'
import { isFresh, type LeaseCache } from '../lease/cache.ts'
import { createFlights, type Flight } from '../lease/flights.ts'
import { Kept, type Moment, openKept } from '../lease/kept.ts'
import { cacheKey } from '../lease/key.ts'
import { mayKeep } from '../lease/sharing.ts'
import { type Answer, SealedAnswer } from '../model/answer.ts'
import type { AuditResponse, Source } from '../model/audit-entry.ts'
import { BoundedMap } from '../model/bounded-map.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { MaySee } from './access.ts'
import type { Call } from './call.ts'
import { withheld } from './denial.ts'
import { responseRefusal } from './response-check.ts'
import type { Exchange } from './sender.ts'
import { livesMs, type ServeDeps, subjectOf } from './serve-alone.ts'
import { within } from './within.ts'

export interface ServeSharedDeps extends ServeDeps {
  readonly cache: LeaseCache
  readonly maySee: MaySee
  readonly telemetry: Telemetry
  readonly serveAlone: (call: Call) => Promise<Answer>
}

/** Serves reads and lists from the cache, or from one flight for all who ask at once. */
export interface ServeShared {
  serve(call: Call): Promise<Answer>
  /** Resolves when nothing is under way, callers that gave up waiting included. */
  settled(): Promise<void>
}

/** What a flight brought: an answer, kept where it may be. */
interface Landed {
  readonly exchange: Exchange
  readonly kept: Kept | undefined
  /** Calls that were given it. */
  taken: number
}

/** Keys remembered to answer without a lease: nobody need wait there for another's answer. */
const STATIC_KEYS = 10_000

export function createServeShared(deps: ServeSharedDeps): ServeShared {
  return new SharedServer(deps)
}

class SharedServer implements ServeShared {
  readonly #deps: ServeSharedDeps
  readonly #flights = createFlights<Landed>()
  readonly #static = new BoundedMap<true>(STATIC_KEYS)
  readonly #working = new Set<Promise<unknown>>()

  constructor(deps: ServeSharedDeps) {
    this.#deps = deps
  }

  async serve(call: Call): Promise<Answer> {
    const { cache, telemetry } = this.#deps
    const { request, caller, identity, verdict } = call
    const key = cacheKey(request, caller, verdict.cache?.scope ?? 'gateway', identity.id)
    const at = this.#moment()
    const own = cache.get(key, verdict.cache, at)
    const kept = own ?? (identity.id === '' ? undefined : await this.#lent(call))
    if (kept !== undefined) {
      telemetry.count('portcullis.cache.lookups', HIT)
      return this.#give(call, kept, own === undefined ? this.#moment() : at, 'cache')
    }
    telemetry.count('portcullis.cache.lookups', MISS)
    if (verdict.cache === undefined && this.#static.get(key) === true) return this.#deps.serveAlone(call)
    const joined = this.#flights.join(key)
    const flight = joined ?? this.#flights.start(key, () => this.#fly(call, key))
    return within(this.#track(this.#land(call, key, flight, joined === undefined)), call, this.#deps.clock)
  }

  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.allSettled(this.#working)
  }

  /** What the gateway's session fetched, where the caller's own token may see it too. */
  async #lent(call: Call): Promise<Kept | undefined> {
    const { request, caller, verdict, identity } = call
    if (verdict.cache?.scope === 'caller') return undefined
    const key = cacheKey(request, caller, 'gateway', '')
    if (this.#deps.cache.get(key, verdict.cache, this.#moment()) === undefined) return undefined
    if (!(await this.#deps.maySee(identity, request))) return undefined
    return this.#deps.cache.get(key, verdict.cache, this.#moment())
  }

  /** The one exchange of a flight. Led by its first call, ended by nobody's abort. */
  async #fly(call: Call, key: string): Promise<Landed> {
    const { entries, send, cache } = this.#deps
    await entries.request(subjectOf(call))
    const timeoutMs = Math.max(call.timeoutMs ?? 0, this.#deps.timeoutMs)
    const { evictions } = cache
    const { id, request } = call
    const exchange = await send({ id, request, session: call.identity.session, signal: undefined, timeoutMs })
    const { answer, sentAt, token } = exchange
    const lives = livesMs(exchange)
    const isKept = mayKeep(answer) && lives > 0 && (answer.leaseId !== '' || call.verdict.cache !== undefined)
    if (!isKept) {
      if (answer.leaseId === '') this.#static.set(key, true)
      return { exchange, kept: undefined, taken: 0 }
    }
    const audit = entries.answered(answer, 'cache')
    const kept = new Kept(answer, { request, sentAt, livesMs: lives, fate: token?.fate, audit })
    if (cache.evictions === evictions) cache.put(key, kept)
    return { exchange, kept, taken: 0 }
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
    const isMine = led || (kept !== undefined && isFresh(kept, call.verdict.cache, this.#moment()))
    try {
      if (isMine) return await this.#giveLanded(call, landed, led)
    } finally {
      flight.waiting -= 1
      await this.#endUnwanted(call, key, flight, landed)
    }
    return this.#deps.serveAlone(call)
  }

  async #giveLanded(call: Call, landed: Landed, led: boolean): Promise<Answer> {
    const { exchange, kept } = landed
    const audit = this.#auditLanded(exchange.answer, kept, led)
    const subject = { ...subjectOf(call), auth: exchange.token?.audit }
    await this.#check(call, exchange.answer, kept, subject)
    await this.#deps.entries.response(subject, audit)
    landed.taken += 1
    const ageMs = this.#deps.clock.now() - exchange.sentAt.nowMs
    const ttlMs = Math.max(livesMs(exchange) - ageMs, 0)
    const facts = { source: 'server', ageMs: led ? 0 : ageMs, ttlMs, verifiedMs: led ? 0 : ageMs } as const
    return new SealedAnswer(exchange.answer, facts, call.verdict.decision)
  }

  #auditLanded(answer: ServerAnswer, kept: Kept | undefined, led: boolean): AuditResponse {
    if (kept === undefined) return this.#deps.entries.answered(answer, 'server')
    return led ? { ...kept.audit, source: 'server' } : { ...kept.audit, source: 'server', shared: true }
  }

  /** The last call to leave a flight that nobody took anything from ends what it minted. */
  async #endUnwanted(
    call: Call,
    key: string,
    flight: Flight<Landed>,
    { exchange, kept, taken }: Landed,
  ): Promise<void> {
    if (flight.waiting > 0 || taken > 0 || (kept?.taken ?? 0) > 0) return
    if (kept !== undefined) this.#deps.cache.drop(key, kept)
    await this.#deps.release(exchange, call.request)
  }

  async #giveStale(call: Call, key: string, error: unknown): Promise<Answer> {
    const at = this.#moment()
    const kept = isPassing(error) ? this.#deps.cache.getStale(key, call.verdict.cache, at) : undefined
    if (kept !== undefined) return this.#give(call, kept, at, 'stale')
    throw await this.#deps.entries.failure(subjectOf(call), 'response', error)
  }

  /** A hit: checked by the caller's own rule, recorded in one entry, since nothing left the process. */
  async #give(call: Call, kept: Kept, at: Moment, source: Source): Promise<Answer> {
    const subject = subjectOf(call)
    const audit = source === 'cache' ? kept.audit : { ...kept.audit, source }
    // Taken from here on: while this call waits for the audit, another's refusal must not end the lease.
    kept.taken += 1
    try {
      if (call.verdict.checksResponse) await this.#check(call, openKept(kept), kept, subject)
      const recorded = this.#deps.entries.response(subject, audit)
      if (recorded !== undefined) await recorded
    } catch (error) {
      kept.taken -= 1
      throw error
    }
    const ageMs = kept.ageMs(at)
    const facts = { source, ageMs, ttlMs: kept.ttlMs(at), verifiedMs: ageMs }
    return new SealedAnswer(openKept(kept), facts, call.verdict.decision)
  }

  async #check(
    call: Call,
    answer: ServerAnswer,
    kept: Kept | undefined,
    subject: ReturnType<typeof subjectOf>,
  ): Promise<void> {
    const { verdict, request } = call
    if (!verdict.checksResponse || kept?.passed(verdict) === true) return
    const refusal = responseRefusal(this.#deps.policy, call, answer)
    if (refusal === undefined) return kept?.markPassed(verdict)
    const error = withheld(refusal, request, false)
    throw await this.#deps.entries.failure({ ...subject, decision: refusal }, 'response', error)
  }

  #moment(): Moment {
    const { clock } = this.#deps
    return { nowMs: clock.now(), wallMs: clock.wallTime() }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#working.delete(tracked))
    this.#working.add(tracked)
    tracked.catch(() => {})
    return tracked
  }
}

/** Is it the server that fails, and may it recover? A refusal of the audit is none of the server's. */
function isPassing(error: unknown): boolean {
  return (error instanceof ServerError || error instanceof SessionError) && error.temporary
}

const HIT = Object.freeze({ 'portcullis.cache.result': 'hit' })
const MISS = Object.freeze({ 'portcullis.cache.result': 'miss' })
