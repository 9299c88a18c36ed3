import type { Decision } from './decision.ts'
import type { LeaseEnd } from './lease.ts'
import type { Operation } from './operation.ts'
import type { PolicyChanges } from './policy-changes.ts'

/** What a gateway emits, for the program. No event carries a secret. */
export interface GatewayEvents {
  /** A request was refused by policy. */
  denied: (event: { readonly operation: Operation; readonly path: string; readonly decision: Decision }) => void
  /** Another set of policies is in force. */
  policiesReloaded: (event: PolicyChanges) => void
  /** A set of policies could not be used; the one before it stays in force. `message` names file and pointer. */
  policiesRefused: (event: { readonly code: string; readonly message: string }) => void
  /** A login gave a token; `generation` counts them from 1. */
  login: (event: { readonly method: string; readonly generation: number; readonly ttlMs: number }) => void
  /** A login failed; the next call tries again, after a back-off. */
  loginFailed: (event: { readonly method: string; readonly code: string; readonly retryAfterMs: number }) => void
  /** A lease was given more time. */
  renewed: (event: { readonly path: string; readonly ttlMs: number }) => void
  /** A lease has a successor. */
  rotated: (event: { readonly path: string }) => void
  /** A lease has ended. `leaked`: it should have been revoked and could not be. */
  ended: (event: { readonly path: string; readonly how: LeaseEnd }) => void
  /** A renewal or rotation failed; it is tried again until the end. */
  leaseFailing: (event: { readonly path: string; readonly what: 'renew' | 'rotate'; readonly code: string }) => void
  /** The token of the session was given more time, or replaced ahead of its end. */
  tokenRenewed: (event: { readonly method: string; readonly ttlMs: number }) => void
  /** A lease that had to be ended could not be: it lives on at the server until it lapses. */
  leaked: (event: { readonly path: string; readonly code: string }) => void
  /** Something inside went wrong that concerns no single call. */
  warning: (event: {
    readonly message: string
    readonly fields: Readonly<Record<string, string | number | boolean>>
  }) => void
}
