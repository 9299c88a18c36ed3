import { type Decision, withShadowOf } from '../model/decision.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Call } from './call.ts'

/**
 * Why `answer` may not be handed over to `call`; `undefined` when it may.
 *
 * A response schema judges data. What is no data (text, a token, a wrapped answer) would escape it, and is refused.
 * A wrapped answer passes where it was asked for: the rule that let the request through said that it may. An answer
 * that was asked for wrapped and came open is refused: whoever asked meant to hand it on unseen.
 */
export function responseRefusal(
  policy: PolicyEngine,
  { verdict, request }: Pick<Call, 'verdict' | 'request'>,
  answer: ServerAnswer,
): Decision | undefined {
  if (isOpenThoughAskedWrapped(request, answer)) return OPEN
  if (!verdict.checksResponse) return undefined
  if (answer.wrapInfo !== undefined && request.wrapTtlMs > 0) return undefined
  if (answer.raw !== undefined || answer.auth !== undefined || answer.wrapInfo !== undefined) {
    const { policy: name, rule } = verdict.decision
    const message = 'the rule has a response schema, and the answer carries what no schema over data can judge'
    return { effect: 'deny', reason: 'response-schema', policy: name, rule, message }
  }
  return policy.checkResponse(verdict, answer.data)
}

/**
 * What is recorded of `call` with its answer: `decision`, with what shadow policies would make of that answer.
 *
 * @param decision - Default: the one that let the request pass.
 */
export function answerDecision(
  policy: PolicyEngine,
  { verdict, request }: Pick<Call, 'verdict' | 'request'>,
  answer: ServerAnswer,
  decision: Decision = verdict.decision,
): Decision {
  const { shadow } = verdict
  if (shadow === undefined) return decision
  const isLet = shadow.decision.effect === 'allow'
  const refusal = isLet ? responseRefusal(policy, { verdict: shadow, request }, answer) : undefined
  return withShadowOf(decision, { shadow: refusal ?? shadow.decision })
}

function isOpenThoughAskedWrapped(request: GatewayRequest, answer: ServerAnswer): boolean {
  if (request.wrapTtlMs === 0 || answer.wrapInfo !== undefined) return false
  return answer.data !== undefined || answer.auth !== undefined || answer.raw !== undefined
}

const OPEN: Decision = Object.freeze({
  effect: 'deny',
  reason: 'wrapping',
  policy: undefined,
  rule: undefined,
  message: 'a wrapped answer was asked for, and the server gave it open',
})
