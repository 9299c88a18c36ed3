/** Why a decision fell as it did; fixed words, for programs and metric labels. */
export type DecisionReason =
  | 'rule' // a rule allows it
  | 'own' // the gateway's own call: not judged by callers' policies
  | 'unrestricted' // the loudly named option that lets everything through
  | 'no-policy' // no policy binds the caller
  | 'no-rule' // no rule matches
  | 'forbid' // a forbid rule matches
  | 'deny' // the winning pattern has a deny rule
  | 'operation' // the winning pattern does not grant the operation
  | 'when' // every allow rule that grants it does so at other times
  | 'request-schema' // the data, query or wrapTtl fails every allow rule's request schema
  | 'response-schema' // the answer fails the response schema
  | 'wrapping' // the rule has a response schema, which a wrapped answer would escape
  | 'create-only' // only create is granted, and the write could overwrite
  | 'shared-lease' // a renewal or revocation of a lease that others use, by no rule that names it
  | 'rate' // the limits of a rule: more accesses than it lets through in the time
  | 'leases' // the limits of a rule: as many leases live as it lets a caller have
  | 'path' // refused form of a path
  | 'namespace' // refused namespace
  | 'body' // data that cannot be sent as judged

/** What gateway policies said of one request. Holds names and pointers, never a value. */
export interface Decision {
  readonly effect: 'allow' | 'deny'
  readonly reason: DecisionReason
  /** Name of the policy that decided; `undefined` where none did. */
  readonly policy: string | undefined
  /** Id of the rule that decided; `undefined` where none did. */
  readonly rule: string | undefined
  /** One line for people: why, and what would pass. */
  readonly message: string
  /** JSON pointer into `{ data, query, wrapTtl }` (request) or the answer's data (response) of what failed a schema. */
  readonly pointer?: string
  /** JSON Schema keyword that failed. */
  readonly keyword?: string
  /**
   * What would be decided if the policies of mode shadow were enforced together with the others; it changed nothing.
   * Absent where none of them binds the caller.
   */
  readonly shadow?: Decision
}

/** `decision` with the shadow that `of` has: what is found out later refuses on top of what policies said. */
export function withShadowOf(decision: Decision, { shadow }: Pick<Decision, 'shadow'>): Decision {
  return shadow === undefined || decision.shadow === shadow ? decision : Object.freeze({ ...decision, shadow })
}
