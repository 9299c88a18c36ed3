import type { Decision } from './decision.ts'
import type { Operation } from './operation.ts'

/** What a gateway emits, for the program. No event carries a secret. */
export interface GatewayEvents {
  /** A request was refused by policy. */
  denied: (event: { readonly operation: Operation; readonly path: string; readonly decision: Decision }) => void
  /** A login gave a token; `generation` counts them from 1. */
  login: (event: { readonly method: string; readonly generation: number; readonly ttlMs: number }) => void
  /** A login failed; the next call tries again, after a back-off. */
  loginFailed: (event: { readonly method: string; readonly code: string; readonly retryAfterMs: number }) => void
  /** A lease that had to be ended could not be: it lives on at the server until it lapses. */
  leaked: (event: { readonly path: string; readonly code: string }) => void
  /** Something inside went wrong that concerns no single call. */
  warning: (event: {
    readonly message: string
    readonly fields: Readonly<Record<string, string | number | boolean>>
  }) => void
}
