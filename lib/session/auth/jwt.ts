import { unseal } from '../../model/sealed.ts'
import { checkNames, stringOption } from '../../options/check.ts'
import type { AuthMethod } from '../../ports/auth-method.ts'
import { credential, isCredential, readCredential } from './credential.ts'
import { logIn } from './log-in.ts'
import { mountOption } from './login-path.ts'

/** One form of the JWT. */
export interface JwtOptions {
  /** Default: the default role of the mount. */
  readonly role?: string
  readonly jwt?: string
  /** Read anew at each login, since such tokens are short-lived and replaced by whoever writes the file. */
  readonly jwtFile?: string
  /** Path of the auth method. Default `jwt`; give `oidc` where the method is mounted there. */
  readonly mount?: string
}

/**
 * Login with a JWT, such as an OIDC token of a CI job or of a cloud workload.
 *
 * @throws {TypeError} for missing or contradicting options.
 * @example
 * jwt({ role: 'orders', jwtFile: '/var/run/secrets/tokens/vault' })
 */
export function jwt(options: JwtOptions): AuthMethod {
  checkNames('jwt()', options, ['role', 'jwt', 'jwtFile', 'mount'])
  const path = `auth/${mountOption(options.mount, 'jwt')}/login`
  const role = stringOption('role', options.role, undefined)
  const source = credential('jwt', options.jwt, options.jwtFile)
  if (options.jwt !== undefined && !isCredential(options.jwt)) {
    throw new TypeError('jwt must be printable ASCII without spaces')
  }
  return {
    method: 'jwt',
    async login(context) {
      const text = unseal(await readCredential(source, context, 'jwt', 'jwt'))
      return logIn(context, 'jwt', path, { ...(role === undefined ? {} : { role }), jwt: text })
    },
  }
}
