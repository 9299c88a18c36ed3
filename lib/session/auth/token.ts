import { checkNames } from '../../options/check.ts'
import type { AuthMethod, Login } from '../../ports/auth-method.ts'
import { credential, isCredential, readCredential } from './credential.ts'
import { lookedUp } from './looked-up.ts'

/** One of the two. */
export interface TokenOptions {
  readonly token?: string
  /** Read anew whenever a token is needed, so that a sink file of an agent can be followed. */
  readonly tokenFile?: string
}

/**
 * A token that was made elsewhere. It is looked up to learn its end, renewed if it can be, and never revoked.
 *
 * @throws {TypeError} unless exactly one option is given.
 * @example
 * token({ tokenFile: '/var/run/secrets/vault-token' })
 */
export function token(options: TokenOptions): AuthMethod {
  checkNames('token()', options, ['token', 'tokenFile'])
  const source = credential('token', options.token, options.tokenFile)
  if (options.token !== undefined && !isCredential(options.token)) {
    throw new TypeError('token must be printable ASCII without spaces')
  }
  return {
    method: 'token',
    isReread: options.tokenFile !== undefined,
    async login(context): Promise<Login> {
      const value = await readCredential(source, context, 'token', 'token')
      return { grant: await lookedUp(value, context), owned: false }
    },
  }
}
