import type { AuthMethod } from '../../ports/auth-method.ts'
import { type PasswordOptions, passwordLogin } from './password-login.ts'

/**
 * Login with a user name and password that the server checks with an LDAP directory.
 *
 * @throws {TypeError} for missing or contradicting options, and a user name that is no single path segment.
 * @example
 * ldap({ username: 'svc-orders', passwordFile: '/run/secrets/password' })
 */
export function ldap(options: PasswordOptions): AuthMethod {
  return passwordLogin('ldap', options)
}
