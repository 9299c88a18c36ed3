import type { Budget } from '../lease/budget.ts'
import type { LeaseCache } from '../lease/cache.ts'
import type { Keeper } from '../lease/keeper.ts'
import type { Kept, Moment } from '../lease/kept.ts'
import type { Line } from '../lease/line.ts'
import type { Verifier } from '../lease/verifier.ts'
import type { Answer } from '../model/answer.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { MaySee } from './access.ts'
import type { Call } from './call.ts'
import type { ServeDeps } from './serve-alone.ts'

export interface ServeSharedDeps extends ServeDeps {
  readonly cache: LeaseCache
  readonly maySee: MaySee
  readonly telemetry: Telemetry
  readonly serveAlone: (call: Call) => Promise<Answer>
  readonly keeper: Keeper
  readonly verifier: Verifier
  readonly budget: Budget
  /** Has what a rule ends given back then. */
  readonly retire: (kept: Kept) => void
  readonly nextId: () => string
}

/** Serves reads and lists from the cache, or from one flight for all who ask at once. */
export interface ServeShared {
  serve(call: Call): Promise<Answer>
  /**
   * Serves a call whose caller will hold what it gets: also a write, and what ends by a clock of its own.
   *
   * @param take - Is given the line to hold, before anybody else can let it go.
   * @throws {LeaseError} `ERR_PORTCULLIS_LEASE_NONE` for an answer that does not end, and so needs no holding.
   */
  hold(call: Call, take: (line: Line) => void): Promise<Answer>
  /**
   * Serves a call from the server, whatever is in the cache: what is there is replaced, or dropped where it is known
   * to be of the past. All who ask at once share one flight, also where no rule lets the answer be kept.
   */
  verify(call: Call): Promise<Verified>
  /** The answer that stands for `kept` now, under the decision of `call`. */
  answerOf(call: Call, kept: Kept): Answer
  /** Resolves when nothing is under way, callers that gave up waiting included. */
  settled(): Promise<void>
}

/** What the server said just now. */
export interface Verified {
  readonly answer: Answer
  readonly server: ServerAnswer
  readonly sentAt: Moment
}
