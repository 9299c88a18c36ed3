import { GRPC_STATUS, GrpcStatusError } from '../wire/grpc/status.ts'
import { type FailureOf, failure } from './failure.ts'

/** What of a failed call its error has to tell. */
export interface CallFacts extends FailureOf {
  /** Such as `the request`. */
  readonly what: string
  readonly mayHaveHappened: boolean
  /** The caller's; where it is aborted, its reason is what the caller gets. */
  readonly signal?: AbortSignal
}

/** A process, as far as the end of a call has to know it. */
export interface Losable {
  isLost(): Promise<boolean>
  /** It did not answer in time. */
  suspect(): Promise<void>
}

/**
 * The error of a call that the wire ended, for those who made it.
 *
 * The plugin's words are in `detail()` alone: as a cause they would be printed with the error.
 */
export async function callFailure(error: unknown, process: Losable, facts: CallFacts): Promise<unknown> {
  if (facts.signal?.aborted === true) return facts.signal.reason
  if (!(error instanceof GrpcStatusError)) return error
  const { what } = facts
  const mayHaveHappened = facts.mayHaveHappened && !error.isUnprocessed
  const details = { mayHaveHappened, detail: error.message }
  switch (error.code) {
    case GRPC_STATUS.unavailable:
      // A living process can say so too, of whatever it could not reach.
      if (!(await process.isLost()))
        return failure('ERR_PORTCULLIS_PLUGIN_PROTOCOL', facts, `it failed ${what}`, details)
      return failure('ERR_PORTCULLIS_PLUGIN_CRASHED', facts, `its process ended during ${what}`, details)
    case GRPC_STATUS.deadlineExceeded:
      void process.suspect()
      return failure('ERR_PORTCULLIS_PLUGIN_TIMEOUT', facts, `it did not answer ${what} in time`, details)
    case GRPC_STATUS.resourceExhausted:
      return failure('ERR_PORTCULLIS_PLUGIN_TOO_LARGE', facts, `a message of ${what} is too large`, details)
    default:
      return failure('ERR_PORTCULLIS_PLUGIN_PROTOCOL', facts, `it failed ${what} (gRPC ${error.code})`, details)
  }
}

/** Did the other side not know the method? Of optional ones that is an answer. */
export function isUnimplemented(error: unknown): boolean {
  return error instanceof GrpcStatusError && error.code === GRPC_STATUS.unimplemented
}
