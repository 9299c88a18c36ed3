import type { ErrorCode, ServerError } from '../errors/index.ts'
import { isState } from '../errors/status.ts'
import type { TransportRequest } from '../ports/transport.ts'

/** How often and how soon to repeat. */
export interface RetryPolicy {
  readonly maxRetries: number
  readonly retryWaitMs: number
}

/** A node said that it did nothing, and why; any request may be repeated then. */
const NOT_CARRIED_OUT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_PORTCULLIS_SERVER_STALE',
  'ERR_PORTCULLIS_SERVER_RATE_LIMITED',
  'ERR_PORTCULLIS_SERVER_SEALED',
  'ERR_PORTCULLIS_SERVER_STANDBY',
])

/** The request may have been carried out; only repeated where that does no harm. */
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_PORTCULLIS_SERVER_FAILED',
  'ERR_PORTCULLIS_SERVER_UNREACHABLE',
  'ERR_PORTCULLIS_SERVER_DNS',
  'ERR_PORTCULLIS_SERVER_TRUNCATED',
])

/** Not implemented; standbys of other clusters, which stay what they are. */
const FINAL_STATUSES: ReadonlySet<number> = new Set([472, 473, 501])

/** May `request` be sent again after `error`? */
export function isRepeatable(error: ServerError, request: Pick<TransportRequest, 'path' | 'repeatable'>): boolean {
  if (isState(request.path) || FINAL_STATUSES.has(error.status)) return false
  if (NOT_CARRIED_OUT.has(error.code)) return true
  return UNCERTAIN.has(error.code) && (request.repeatable || !error.mayHaveHappened)
}

/**
 * How long to wait before a repeat.
 *
 * What the server asked for, else a wait that grows with each try. Up to half of `retryWaitMs` comes on
 * top by chance, so that callers who failed together do not return together.
 *
 * @param tries - Tries that have failed; 1 or more.
 * @param fraction - Number in [0, 1).
 */
export function waitBeforeMs(error: ServerError, policy: RetryPolicy, tries: number, fraction: number): number {
  const baseMs = error.retryAfterMs ?? policy.retryWaitMs * tries
  return Math.ceil(baseMs + (policy.retryWaitMs * fraction) / 2)
}
