import { AuditError } from '../errors/index.ts'
import { type Answer, SealedAnswer } from '../model/answer.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Clock } from '../ports/clock.ts'
import type { Call } from './call.ts'
import { isChange, withheld } from './denial.ts'
import type { Entries, EntrySubject } from './entries.ts'
import type { Release } from './release.ts'
import { responseRefusal } from './response-check.ts'
import type { Exchange, Send } from './sender.ts'

export interface ServeDeps {
  readonly policy: PolicyEngine
  readonly entries: Entries
  readonly send: Send
  readonly release: Release
  readonly clock: Clock
  readonly timeoutMs: number
}

/** One exchange for one call: record, send, check, record, answer. For writes, wrapped answers and what must not be shared. */
export function createServeAlone(deps: ServeDeps): (call: Call) => Promise<Answer> {
  const { entries, send, policy, release, clock } = deps
  return async (call) => {
    const subject = subjectOf(call)
    await entries.request(subject)
    const exchange = await sent(send, deps, call, subject)
    const answered = { ...subject, auth: exchange.token?.audit }
    const { request, verdict } = call
    const refusal = responseRefusal(policy, call, exchange.answer)
    if (refusal !== undefined) {
      const error = withheld(refusal, request, isChange(request))
      await release(exchange, request)
      throw didItAnyway(await entries.failure({ ...answered, decision: refusal }, 'response', error), call)
    }
    try {
      await entries.response(answered, entries.answered(exchange.answer, 'server'))
    } catch (error) {
      await release(exchange, request)
      throw didItAnyway(error, call)
    }
    const ttlMs = Math.max(livesMs(exchange) - (clock.now() - exchange.sentAt.nowMs), 0)
    return new SealedAnswer(exchange.answer, { source: 'server', ageMs: 0, ttlMs, verifiedMs: 0 }, verdict.decision)
  }
}

/** What the entries of `call` have in common. A token is named where the session has one already. */
export function subjectOf(call: Call): EntrySubject {
  const { id, caller, request, trace, verdict } = call
  const auth = call.isLogin ? undefined : call.identity.session.peek()?.audit
  return { id, caller, request, trace, decision: verdict.decision, auth }
}

/** How long what was answered lives, from when it was sent: the earlier of its lease's and its token's end. */
export function livesMs({ answer, token, sentAt }: Exchange): number {
  if (answer.leaseId === '') return Infinity
  const tokenLivesMs = token === undefined ? Infinity : token.fate.endsAtMs - sentAt.nowMs
  return Math.min(answer.leaseDurationMs, tokenLivesMs)
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
