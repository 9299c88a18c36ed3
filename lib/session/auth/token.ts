import { ServerError } from '../../errors/index.ts'
import type { JsonObject } from '../../model/json.ts'
import { type Sealed, seal } from '../../model/sealed.ts'
import type { TokenGrant } from '../../model/server-answer.ts'
import { checkNames } from '../../options/check.ts'
import type { AuthMethod, Login, LoginContext } from '../../ports/auth-method.ts'
import { ttlMsOf } from '../look-up.ts'
import { credential, isCredential, readCredential } from './credential.ts'

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
      return { grant: await lookUp(value, context), owned: false }
    },
  }
}

/** A token without the default policy may not look itself up; then its end is unknown, and a 403 will tell. */
async function lookUp(value: Sealed<string>, context: LoginContext): Promise<TokenGrant> {
  try {
    const answer = await context.send({ operation: 'read', path: 'auth/token/lookup-self', token: value })
    return described(value, answer.data ?? {})
  } catch (error) {
    if (error instanceof ServerError && error.status === 403) return described(value, {})
    throw error
  }
}

function described(value: Sealed<string>, data: JsonObject): TokenGrant {
  const policies = data.policies
  return {
    token: value,
    accessor: seal(typeof data.accessor === 'string' ? data.accessor : ''),
    ttlMs: ttlMsOf(data) ?? Infinity,
    renewable: data.renewable === true,
    policies: Array.isArray(policies) ? policies.filter((name) => typeof name === 'string') : [],
    tokenType: typeof data.type === 'string' ? data.type : '',
    orphan: data.orphan === true,
    numUses: typeof data.num_uses === 'number' ? data.num_uses : 0,
    mfaRequired: false,
  }
}
