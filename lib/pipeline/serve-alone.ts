import { AuditError } from '../errors/index.ts'
import type { Counted, Seat } from '../lease/budget.ts'
import type { Retiring } from '../lease/retiring.ts'
import { type Answer, SealedAnswer } from '../model/answer.ts'
import type { Decision } from '../model/decision.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Clock } from '../ports/clock.ts'
import type { Admission, Room } from './admission.ts'
import type { Call } from './call.ts'
import { isChange, withheld } from './denial.ts'
import type { Entries, EntrySubject } from './entries.ts'
import type { LeaseLimits } from './lease-limits.ts'
import { givenMs } from './lives.ts'
import type { Refuse } from './refuse.ts'
import type { Release } from './release.ts'
import { answerDecision, responseRefusal } from './response-check.ts'
import type { Exchange, Send } from './sender.ts'

export interface ServeDeps {
  readonly policy: PolicyEngine
  readonly entries: Entries
  readonly send: Send
  readonly release: Release
  readonly admission: Admission
  readonly leaseLimits: LeaseLimits
  readonly refuse: Refuse
  /** Has a lease that a rule ends given back then. */
  readonly retireAlone: Retiring['retireAlone']
  readonly clock: Clock
  readonly timeoutMs: number
}

/** One exchange for one call: record, send, check, record, answer. For writes, wrapped answers and what must not be shared. */
export function createServeAlone(deps: ServeDeps): (call: Call) => Promise<Answer> {
  const { entries } = deps
  return async (call) => {
    const seat = await seated(deps, call)
    const subject = subjectOf(call)
    let room: Room | undefined
    try {
      await entries.request(subject)
      room = await admitted(deps, call, subject)
      return await serve(deps, call, subject, { room, seat })
    } finally {
      room?.leave()
      seat.leave()
    }
  }
}

/** Under the limits of the rules: what they refuse is recorded as refused, and nothing of it is sent. */
async function seated({ leaseLimits, refuse }: ServeDeps, call: Call): Promise<Seat> {
  try {
    return await leaseLimits.admit(call, false)
  } catch (error) {
    return refuse(call, error)
  }
}

async function admitted({ admission, entries }: ServeDeps, call: Call, subject: EntrySubject): Promise<Room> {
  try {
    return await admission.alone(call.request)
  } catch (error) {
    throw await entries.failure(subject, 'response', error)
  }
}

/** Where a lease of the answer is counted: by the budget of the process, and by the limits of the rules. */
interface Counts {
  readonly room: Room
  readonly seat: Seat
}

async function serve(deps: ServeDeps, call: Call, subject: EntrySubject, { room, seat }: Counts): Promise<Answer> {
  const { entries, send, policy, release, clock } = deps
  const exchange = await sent(send, deps, call, subject)
  const { request, verdict } = call
  const decision = answerDecision(policy, call, exchange.answer)
  const answered = { ...subject, decision, auth: exchange.token?.audit }
  const refusal = responseRefusal(policy, call, exchange.answer)
  if (refusal !== undefined) {
    const error = withheld(refusal, request, isChange(request))
    await release(exchange, request)
    const refused = { ...answered, decision: answerDecision(policy, call, exchange.answer, refusal) }
    throw didItAnyway(await entries.failure(refused, 'response', error), call)
  }
  try {
    await entries.response(answered, entries.answered(exchange.answer, 'server', request))
  } catch (error) {
    await release(exchange, request)
    throw didItAnyway(error, call)
  }
  const lease = room.take(exchange)
  if (lease !== undefined) {
    seat.land(lease, clock.now())
    retire(deps, call, exchange, lease)
  }
  const ttlMs = Math.max(givenMs(exchange, verdict) - (clock.now() - exchange.sentAt.nowMs), 0)
  return new SealedAnswer(exchange.answer, { source: 'server', ageMs: 0, ttlMs, verifiedMs: 0 }, verdict.decision)
}

/** What a caller's own token got is left to lapse: that token is not ours to act with. */
function retire(
  { retireAlone }: ServeDeps,
  { identity, request, verdict }: Call,
  exchange: Exchange,
  lease: Counted,
): void {
  if (identity.id !== '') return
  const { namespace, path } = request
  const mustEndAtMs = exchange.sentAt.nowMs + (verdict.maxTtlMs ?? Infinity)
  retireAlone({ leaseId: exchange.answer.leaseId, namespace, path, mustEndAtMs }, lease)
}

/**
 * What the entries of `call` have in common. A token is named where the session has one already.
 *
 * @param decision - Default: the one that let it pass.
 */
export function subjectOf(call: Call, decision: Decision = call.verdict.decision): EntrySubject {
  const { id, caller, request, trace } = call
  const auth = call.isLogin ? undefined : call.identity.session.peek()?.audit
  return { id, caller, request, trace, decision, auth }
}

async function sent(send: Send, deps: ServeDeps, call: Call, subject: EntrySubject): Promise<Exchange> {
  const { id, request, signal } = call
  const session = call.isLogin ? undefined : call.identity.session
  try {
    return await send({ id, request, session, signal, timeoutMs: call.timeoutMs ?? deps.timeoutMs })
  } catch (error) {
    throw await deps.entries.failure(subject, 'response', error)
  }
}

/** An unrecorded answer is withheld; after a change the caller has to know that it took place. */
export function didItAnyway(error: unknown, { request }: Call): unknown {
  if (!(error instanceof AuditError) || !isChange(request)) return error
  const { code, device, phase, temporary, message } = error
  const told = `${message}; the server did carry out ${request.operation} ${request.path}, its answer is withheld`
  return new AuditError(code as never, told, { device, phase, temporary, cause: error })
}
