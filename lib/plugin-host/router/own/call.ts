import type { JsonObject } from '../../../model/json.ts'
import type { Operation } from '../../../model/operation.ts'
import type { Outcome } from '../outcome.ts'
import type { Token } from '../token.ts'

/** A request for a path of the host's own: `sys/`, `auth/token/`, `cubbyhole/`. */
export interface OwnCall {
  readonly operation: Operation | 'help'
  /** Whole, from the root. */
  readonly path: string
  /** What follows the first part that picked the handler; no slash at the start. */
  readonly rest: string
  /** The body; of reads and lists, the query. */
  readonly data: JsonObject
  /** `undefined` where the path needs none, or where a wrapping token was sent. */
  readonly token: Token | undefined
  /** As it was sent; `''` for none. */
  readonly tokenValue: string
  readonly wrapTtlMs: number
  readonly requestId: string
}

/** Answers it. @throws {Refusal} */
export type OwnHandler = (call: OwnCall) => Promise<Outcome> | Outcome

/** Is it the holder of an operator token who asks? */
export function isOperator({ token }: OwnCall): boolean {
  return token?.record.kind === 'operator'
}
