import type { Caller, CallerAttributes } from '../../lib/model/caller.ts'
import type { JsonObject } from '../../lib/model/json.ts'
import type { Operation } from '../../lib/model/operation.ts'
import { type GatewayRequest, NO_QUERY } from '../../lib/model/request.ts'
import { createCaller } from '../../lib/options/caller.ts'
import { createPolicyEngine, type PolicyEngine } from '../../lib/policy/engine.ts'

/** A request for what a test leaves open. */
export function request(operation: Operation, path: string, rest: Partial<GatewayRequest> = {}): GatewayRequest {
  return {
    operation,
    path,
    namespace: '',
    query: NO_QUERY,
    data: undefined,
    body: undefined,
    wrapTtlMs: 0,
    ...rest,
  }
}

export const ANYONE: Caller = createCaller({})

export function caller(attributes: CallerAttributes, parent?: Caller): Caller {
  return createCaller(attributes, parent)
}

/** Engine in the root namespace for whole documents. */
export function engineOf(...documents: readonly unknown[]): Promise<PolicyEngine> {
  return createPolicyEngine(
    documents.map((document, at) => ({ file: `p${at}.json`, document })),
    { namespace: '' },
  )
}

/** Engine for one policy `p` with `rules`. */
export function engineFor(...rules: readonly object[]): Promise<PolicyEngine> {
  return engineOf({ policy: 'p', rules })
}

/** A rule that allows. */
export function allow(path: string, operations: readonly string[], rest: object = {}): object {
  return { path, operations, effect: 'allow', ...rest }
}

/** Says `effect reason rule` of a decision. */
export function said(engine: PolicyEngine, asked: GatewayRequest, who: Caller = ANYONE): string {
  const { effect, reason, rule } = engine.decide(who, asked).decision
  return [effect, reason, rule].filter((word) => word !== undefined).join(' ')
}

/** Data as a request brings it: parsed from text, so with every name that JSON can say. */
export function data(text: string): JsonObject {
  return JSON.parse(text) as JsonObject
}
