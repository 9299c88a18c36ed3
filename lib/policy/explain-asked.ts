import { PolicyDeniedError } from '../errors/index.ts'
import type { Caller } from '../model/caller.ts'
import type { Explanation } from '../model/gateway.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { PolicyEngine } from './engine.ts'
import { unexplained } from './explain.ts'

/** The explanation for a request in the form it is judged in; that of the refusal, where it has no such form. */
export function explainAsked(engine: PolicyEngine, caller: Caller, normalised: () => GatewayRequest): Explanation {
  let request: GatewayRequest
  try {
    request = normalised()
  } catch (error) {
    if (error instanceof PolicyDeniedError) return unexplained(error.decision)
    throw error
  }
  return engine.explain(caller, request)
}
