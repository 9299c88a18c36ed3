import type { Decision } from '../model/decision.ts'

/** Of what the gateway does for itself: judged by no caller's policy. */
export const OWN_DECISION: Decision = Object.freeze({
  effect: 'allow',
  reason: 'own',
  policy: undefined,
  rule: undefined,
  message: "the gateway's own call",
})
