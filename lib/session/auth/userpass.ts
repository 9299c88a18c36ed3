import type { AuthMethod } from '../../ports/auth-method.ts'
import { type PasswordOptions, passwordLogin } from './password-login.ts'

/**
 * Login with a user name and password that the server keeps.
 *
 * @throws {TypeError} for missing or contradicting options, and a user name that is no single path segment.
 * @example
 * userpass({ username: 'orders', passwordFile: '/run/secrets/password' })
 */
export function userpass(options: PasswordOptions): AuthMethod {
  return passwordLogin('userpass', options)
}
