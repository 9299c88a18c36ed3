import { unseal } from '../../model/sealed.ts'
import { checkNames } from '../../options/check.ts'
import type { AuthMethod } from '../../ports/auth-method.ts'
import { credential, readCredential } from './credential.ts'
import { logIn } from './log-in.ts'
import { mountOption, segmentOption } from './login-path.ts'

/** A user name, and one form of the password. */
export interface PasswordOptions {
  /** One segment of a path. Some mounts fold its case. */
  readonly username: string
  readonly password?: string
  /** Read anew at each login; a line break at its end is not part of the password. */
  readonly passwordFile?: string
  /** Path of the auth method. Default: `userpass`, `ldap`. */
  readonly mount?: string
}

/** What userpass and LDAP share: `POST auth/MOUNT/login/USERNAME` with the password. @throws {TypeError} naming the option. */
export function passwordLogin(method: 'userpass' | 'ldap', options: PasswordOptions): AuthMethod {
  checkNames(`${method}()`, options, ['username', 'password', 'passwordFile', 'mount'])
  const path = `auth/${mountOption(options.mount, method)}/login/${segmentOption('username', options.username)}`
  const source = credential('password', options.password, options.passwordFile)
  return {
    method,
    async login(context) {
      const password = await readCredential(source, context, method, 'password', 'line')
      return logIn(context, method, path, { password: unseal(password) })
    },
  }
}
