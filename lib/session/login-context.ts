import { PortcullisError, SessionError } from '../errors/index.ts'
import type { Login, LoginContext } from '../ports/auth-method.ts'
import { endedError } from './login-error.ts'
import type { SessionDeps } from './session-token.ts'

/** Bound on one login with all its steps. A function of the user's, or a file that is a pipe, may never answer. */
export const LOGIN_LIMIT_MS: number = 5 * 60_000

/** What the auth method of a session is handed. */
export function createLoginContext({ exchange, files, clock, environment }: SessionDeps): LoginContext {
  return {
    send: exchange,
    readText: (path) => files.readText(path),
    wallTime: () => clock.wallTime(),
    variable: (name) => environment[name] || undefined,
  }
}

/**
 * Logs in, within {@link LOGIN_LIMIT_MS}. A token that comes later is given to nobody, and so revoked.
 *
 * @param givenUp - Aborted when nobody waits for it any more.
 * @throws {SessionError} `ERR_PORTCULLIS_SESSION_LOGIN` at the limit, `ERR_PORTCULLIS_SESSION_ENDED` when given up; else
 *   what the auth method does.
 */
export async function logInWithin(deps: SessionDeps, context: LoginContext, givenUp: AbortSignal): Promise<Login> {
  const { auth, clock } = deps
  const limit = Promise.withResolvers<never>()
  let isLate = false
  const end = (error: SessionError): void => {
    isLate = true
    limit.reject(error)
  }
  const onGivenUp = (): void => end(endedError(auth.method, 'the session was closed meanwhile'))
  givenUp.addEventListener('abort', onGivenUp, { once: true })
  const timer = clock.after(LOGIN_LIMIT_MS, () => {
    const message = `the ${auth.method} login did not end within ${LOGIN_LIMIT_MS / 1000} s`
    end(new SessionError('ERR_PORTCULLIS_SESSION_LOGIN', message, { method: auth.method }))
  })
  // An auth method of the user's may throw instead of rejecting.
  const login = (async () => auth.login(context))()
  login.then(
    (late) => (isLate ? giveBack(late, deps) : undefined),
    () => undefined,
  )
  try {
    return await Promise.race([login, limit.promise])
  } finally {
    timer.cancel()
    givenUp.removeEventListener('abort', onGivenUp)
  }
}

/** Never rejects. */
async function giveBack({ grant, owned }: Login, { exchange, listener }: SessionDeps): Promise<void> {
  if (!owned) return
  try {
    await exchange({ operation: 'write', path: 'auth/token/revoke-self', token: grant.token })
  } catch (error) {
    listener.leaked(error instanceof PortcullisError ? error.code : 'unknown')
  }
}
