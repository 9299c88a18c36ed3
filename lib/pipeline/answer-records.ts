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
  hit(kept: Kept): AuditResponse
  /** Audit form of what a flight brought, for the call that led it or one that joined. */
  landed(answer: ServerAnswer, kept: Kept | undefined, led: boolean): AuditResponse
}

export function createAnswerRecords(policy: PolicyEngine, entries: Entries): AnswerRecords {
  const answered = (answer: ServerAnswer): AuditResponse => entries.answered(answer, 'cache')
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
    hit: (kept) => kept.audit(answered),
    landed(answer, kept, led): AuditResponse {
      if (led) return entries.answered(answer, 'server')
      const audit = kept?.audit(answered) ?? entries.answered(answer, 'server')
      return { ...audit, source: 'server', shared: true }
    },
  }
}
