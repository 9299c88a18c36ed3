import { PolicyDeniedError } from '../errors/index.ts'
import { type Decision, withShadowOf } from '../model/decision.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { LimitRefusal } from '../policy/limits/limits.ts'

/** The error for a request that `decision` denies. Names operation and path, policy and rule; never a value. */
export function denial(decision: Decision, request: GatewayRequest): PolicyDeniedError {
  const message = `${request.operation} ${request.path} denied${by(decision)}: ${decision.message}`
  return new PolicyDeniedError('ERR_PORTCULLIS_POLICY_DENIED', message, { decision })
}

/** The error for a request that `allowed` would let pass, were not a limit of its rule reached. */
export function limited(
  { decision: refusal, retryAfterMs }: LimitRefusal,
  allowed: Decision,
  request: GatewayRequest,
): PolicyDeniedError {
  const decision = withShadowOf(refusal, allowed)
  const message = `${request.operation} ${request.path} denied${by(decision)}: ${decision.message}`
  return new PolicyDeniedError('ERR_PORTCULLIS_POLICY_LIMIT', message, { decision, retryAfterMs })
}

/** The error for an answer that `decision` withholds. `didIt`: the server carried the request out all the same. */
export function withheld(decision: Decision, request: GatewayRequest, didIt: boolean): PolicyDeniedError {
  const after = didIt ? '; the server did carry the request out' : ''
  const message = `the answer to ${request.operation} ${request.path} was withheld${by(decision)}: ${decision.message}${after}`
  return new PolicyDeniedError('ERR_PORTCULLIS_POLICY_RESPONSE', message, { decision })
}

/** The decision that an error stands for, where it is a refusal of ours. */
export function refusedDecision(error: unknown): Decision | undefined {
  return error instanceof PolicyDeniedError ? error.decision : undefined
}

/** Does the operation change something at the server? */
export function isChange(request: GatewayRequest): boolean {
  return request.operation !== 'read' && request.operation !== 'list' && request.operation !== 'scan'
}

function by({ policy, rule }: Decision): string {
  if (policy === undefined) return ''
  return rule === undefined ? ` by policy ${policy}` : ` by policy ${policy}, rule ${rule}`
}
