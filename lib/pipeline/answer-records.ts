import type { Kept } from '../lease/kept.ts'
import type { AuditResponse } from '../model/audit-entry.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Call } from './call.ts'
import { withheld } from './denial.ts'
import type { Entries, EntrySubject } from './entries.ts'
import { answerDecision, responseRefusal } from './response-check.ts'
import { subjectOf } from './serve-alone.ts'

/** Checks and records answers that many calls share: one check a verdict and lease, HMACs worked out once. */
export interface AnswerRecords {
  /** What the entries of `call` have in common, with what shadow policies would make of `answer`. */
  subject(call: Call, answer: ServerAnswer): EntrySubject
  /** Checks `answer` by the rules that let `call` pass. @throws {PolicyDeniedError} recorded. */
  check(call: Call, answer: ServerAnswer, kept: Kept | undefined, subject: EntrySubject): Promise<void>
  /** Audit form of what was kept. */
  hit(call: Call, kept: Kept): AuditResponse
  /** Audit form of what a flight brought, for the call that led it or one that joined. */
  landed(call: Call, answer: ServerAnswer, kept: Kept | undefined, led: boolean): AuditResponse
}

export function createAnswerRecords(policy: PolicyEngine, entries: Entries): AnswerRecords {
  // Made once for all: what is kept answers calls of one operation on one path.
  const hit = ({ request }: Call, kept: Kept): AuditResponse =>
    kept.audit((answer) => entries.answered(answer, 'cache', request))
  return {
    subject: (call, answer) => subjectOf(call, answerDecision(policy, call, answer)),
    async check(call, answer, kept, subject): Promise<void> {
      const { verdict, request } = call
      if (!verdict.checksResponse || kept?.passed(verdict) === true) return
      const refusal = responseRefusal(policy, call, answer)
      if (refusal === undefined) return kept?.markPassed(verdict)
      const error = withheld(refusal, request, false)
      const decision = answerDecision(policy, call, answer, refusal)
      throw await entries.failure({ ...subject, decision }, 'response', error)
    },
    hit,
    landed(call, answer, kept, led): AuditResponse {
      if (led) return entries.answered(answer, 'server', call.request)
      const audit = kept === undefined ? entries.answered(answer, 'server', call.request) : hit(call, kept)
      return { ...audit, source: 'server', shared: true }
    },
  }
}
