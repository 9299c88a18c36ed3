import { ServerError } from '../../errors/index.ts'
import type { JsonObject } from '../../model/json.ts'
import { type Sealed, seal } from '../../model/sealed.ts'
import type { TokenGrant } from '../../model/server-answer.ts'
import type { LoginContext } from '../../ports/auth-method.ts'
import { ttlMsOf } from '../look-up.ts'

/**
 * A token that was made elsewhere, as the server describes it.
 *
 * A token without the default policy may not look itself up; then its end is unknown, and a 403 will tell.
 */
export async function lookedUp(token: Sealed<string>, context: LoginContext): Promise<TokenGrant> {
  try {
    const answer = await context.send({ operation: 'read', path: 'auth/token/lookup-self', token })
    return described(token, answer.data ?? {})
  } catch (error) {
    if (error instanceof ServerError && error.status === 403) return described(token, {})
    throw error
  }
}

function described(token: Sealed<string>, data: JsonObject): TokenGrant {
  const policies = data.policies
  return {
    token,
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
