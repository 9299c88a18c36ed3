import type { PolicyEngine } from './engine.ts'

/** Policies that can be replaced while requests are decided. */
export interface LivePolicies extends PolicyEngine {
  /** From the next decision on `next` decides. Each decision is made by one whole set, the old or the new. */
  replace(next: PolicyEngine): void
}

/** An engine that stands in front of the one in force. What an engine allowed is checked by what it said then. */
export function createLivePolicies(first: PolicyEngine): LivePolicies {
  let inForce = first
  return {
    get policies(): readonly string[] {
      return inForce.policies
    },
    decide: (caller, request) => inForce.decide(caller, request),
    checkResponse: (verdict, data) => inForce.checkResponse(verdict, data),
    explain: (caller, request) => inForce.explain(caller, request),
    promises: (caller) => inForce.promises(caller),
    replace(next): void {
      inForce = next
    },
  }
}
