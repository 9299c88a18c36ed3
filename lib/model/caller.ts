import type { TokenDescription } from './token-description.ts'

/** A value of a caller's attribute. */
export type CallerValue = string | number | boolean | readonly string[]

/** Attributes that policies are judged on, e.g. `{ service: 'orders', user: 'u-17' }`. No secrets: they stand in audit entries. */
export interface CallerAttributes {
  readonly [name: string]: CallerValue
}

/** Attributes as policies see them: what the caller says of itself, and below `token` who holds its token, where the endpoint knows. */
export interface JudgedAttributes {
  readonly [name: string]: CallerValue | TokenDescription
}

/** The attribute that no caller can set: who holds the token that it came with, as the endpoint knows it. */
export const TOKEN_ATTRIBUTE = 'token'

/**
 * Who asks. A caller made by `as()` has a parent; the decisions of both must allow.
 *
 * One object a caller, so that what is worked out for it once (bindings, fragments) can be kept beside it.
 */
export interface Caller {
  /** Own and inherited attributes; frozen. */
  readonly attributes: JudgedAttributes
  readonly parent: Caller | undefined
  /**
   * The holder of a token as such, last of its chain: only policies whose subject demands `token` bind it. The endpoint
   * leaves it to policies what a holder may do, so what a service may do by itself does not speak for who holds a token.
   */
  readonly isHolder?: true
  /** Made by `as()` of a gateway with `independentCallers`: it stands below nobody, and still is not the program that opened the gateway. */
  readonly isGuest?: true
  /** Canonical text of the attributes of the whole chain; equal callers have equal ids. */
  readonly id: string
}

/** Name of the gateway's own caller, under which it logs in, renews, looks up and revokes. */
export const OWN_CALLER_SERVICE = 'portcullis'
