import { PolicyDeniedError, PortcullisError, ServerError } from 'portcullis'
import { Refused } from './refused.ts'

/** An answer that tells of a failure. */
export interface FailureAnswer {
  readonly status: number
  /** The server's own body, where it refused. */
  readonly body: Uint8Array | undefined
  readonly message: string
  readonly retryAfterS: number | undefined
}

const REFUSED_AS_WRITTEN: ReadonlySet<string> = new Set(['ERR_PORTCULLIS_PATH_REFUSED', 'ERR_PORTCULLIS_BODY_REFUSED'])
/** The server answered, but what came is not to be passed on. */
const BAD_GATEWAY: ReadonlySet<string> = new Set([
  'ERR_PORTCULLIS_SERVER_BAD_ANSWER',
  'ERR_PORTCULLIS_SERVER_TRUNCATED',
  'ERR_PORTCULLIS_SERVER_TOO_LARGE',
  'ERR_PORTCULLIS_SERVER_REDIRECT',
])

/** How `error` is told to a client. What is no error of ours says nothing of itself. */
export function failureAnswer(error: unknown): FailureAnswer {
  if (error instanceof Refused) return told(error.status, error.message, error.retryAfterS)
  if (error instanceof PolicyDeniedError) return denied(error)
  if (error instanceof ServerError) return ofServer(error)
  // Nobody can log in, nothing can be recorded, no room: all of them may pass.
  if (error instanceof PortcullisError) return told(503, error.message)
  if (error instanceof RangeError || error instanceof TypeError)
    return told(400, 'the request cannot be served as it is')
  return told(500, 'internal error')
}

function denied(error: PolicyDeniedError): FailureAnswer {
  if (REFUSED_AS_WRITTEN.has(error.code)) return told(400, error.message)
  if (error.code !== 'ERR_PORTCULLIS_POLICY_LIMIT') return told(403, error.message)
  return told(429, error.message, secondsOf(error.retryAfterMs))
}

function ofServer(error: ServerError): FailureAnswer {
  const { status, code, message, retryAfterMs } = error
  const retryAfterS = secondsOf(retryAfterMs)
  if (status >= 400 && !BAD_GATEWAY.has(code)) return { status, body: error.serverBody(), message, retryAfterS }
  return told(code === 'ERR_PORTCULLIS_SERVER_TIMEOUT' ? 504 : 502, message, retryAfterS)
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.max(Math.ceil(ms / 1_000), 1)
}

function told(status: number, message: string, retryAfterS?: number): FailureAnswer {
  return { status, body: undefined, message, retryAfterS }
}
