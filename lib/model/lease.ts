import type { Answer } from './answer.ts'
import type { JsonObject } from './json.ts'

/** How a lease can end. */
export type LeaseEnd = 'expired' | 'revoked' | 'lost' | 'released' | 'leaked'

/** What happens to a held lease. Listeners that throw cannot break it. */
export interface LeaseEvents {
  /** It was given more time. */
  renewed: (event: { readonly ttlMs: number }) => void
  /** Its successor is current. */
  rotated: (event: { readonly generation: number; readonly ttlMs: number }) => void
  /** A renewal or rotation failed, and is tried again until the end. */
  failing: (event: { readonly code: string; readonly ttlMs: number }) => void
  /** There is no live value any more. */
  ended: (event: { readonly how: LeaseEnd }) => void
}

/**
 * Takes a successor over in two phases, so that nobody is without a living value in between.
 *
 * `prepare` runs while the old value still is current; when it rejects, the successor is given back and
 * the rotation tried again. `commit` runs when the successor is current, and resolves when nobody uses the
 * old value any more: then it is released. Neither is waited for beyond the end of the old value.
 */
export interface RotationHandler<T = JsonObject> {
  prepare?(next: Answer<T>): Promise<void> | void
  /** `next`, which was prepared, does not become current after all: someone else refused it. */
  abandon?(next: Answer<T>): void
  commit?(previous: Answer<T>): Promise<void> | void
}

/** A secret that is kept alive: renewed, and rotated before its end, until every holder has closed it. */
export interface Lease<T = JsonObject> {
  /** The value now. @throws {LeaseError} `ERR_PORTCULLIS_LEASE_EXPIRED`, `_REVOKED` or `_LOST` when it has ended. */
  current(): Answer<T>
  /** Counts the values it has had, from 1. */
  readonly generation: number
  on<E extends keyof LeaseEvents>(event: E, listener: LeaseEvents[E]): this
  off<E extends keyof LeaseEvents>(event: E, listener: LeaseEvents[E]): this
  /** Adds a handler of rotations; gives the function that takes it away. */
  onRotate(handler: RotationHandler<T>): () => void
  /**
   * Doubts the value of `generation`, because someone refused it: it is looked up at the server, and replaced if it is dead.
   *
   * Asked by many at once it is one look-up. Resolves when `current()` can be tried again.
   */
  doubt(generation: number): Promise<void>
  /** Gives this hold up. The last one to close releases the lease at the server. Idempotent. */
  close(): Promise<void>
}
