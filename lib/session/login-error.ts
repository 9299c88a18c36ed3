import { PortcullisError, SessionError } from '../errors/index.ts'

/** A failed login, told by what made it fail. */
export function loginError(method: string, cause: unknown): SessionError {
  const why = cause instanceof PortcullisError ? cause.message : 'the auth method failed'
  const temporary = cause instanceof PortcullisError ? cause.temporary : true
  const message = `${method} login failed: ${why}`
  return new SessionError('ERR_PORTCULLIS_SESSION_LOGIN', message, { method, cause, temporary })
}

/** There is no token, and none is to be had. */
export function endedError(method: string, message: string): SessionError {
  return new SessionError('ERR_PORTCULLIS_SESSION_ENDED', message, { method })
}
