import { SessionError } from '../../errors/index.ts'
import { unseal } from '../../model/sealed.ts'
import type { ServerAnswer, TokenGrant } from '../../model/server-answer.ts'
import { isCredential } from './credential.ts'

/** The token that a login answered with. @throws {SessionError} `ERR_PORTCULLIS_SESSION_MFA`, `ERR_PORTCULLIS_SESSION_LOGIN`. */
export function granted(answer: ServerAnswer, method: string): TokenGrant {
  if (answer.auth?.mfaRequired === true) {
    throw new SessionError('ERR_PORTCULLIS_SESSION_MFA', `the ${method} login asks for a second factor`, { method })
  }
  if (answer.auth === undefined || !isCredential(unseal(answer.auth.token))) {
    throw new SessionError('ERR_PORTCULLIS_SESSION_LOGIN', `the ${method} login answered without a token`, { method })
  }
  return answer.auth
}
