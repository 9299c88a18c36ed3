/** A value of a caller's attribute. */
export type CallerValue = string | number | boolean | readonly string[]

/** Attributes that policies are judged on, e.g. `{ service: 'orders', user: 'u-17' }`. No secrets: they stand in audit entries. */
export interface CallerAttributes {
  readonly [name: string]: CallerValue
}

/**
 * Who asks. A caller made by `as()` has a parent; the decisions of both must allow.
 *
 * One object a caller, so that what is worked out for it once (bindings, fragments) can be kept beside it.
 */
export interface Caller {
  /** Own and inherited attributes; frozen. */
  readonly attributes: CallerAttributes
  readonly parent: Caller | undefined
  /** Canonical text of the attributes of the whole chain; equal callers have equal ids. */
  readonly id: string
}

/** Name of the gateway's own caller, under which it logs in, renews, looks up and revokes. */
export const OWN_CALLER_SERVICE = 'portcullis'
