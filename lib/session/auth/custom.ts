import { SessionError } from '../../errors/index.ts'
import { Sealed, seal, unseal } from '../../model/sealed.ts'
import type { ServerAnswer, TokenGrant } from '../../model/server-answer.ts'
import { stringOption, typed } from '../../options/check.ts'
import type { AuthMethod, Login, LoginContext } from '../../ports/auth-method.ts'
import { isCredential } from './credential.ts'
import { granted } from './granted.ts'
import { lookedUp } from './looked-up.ts'

/** A token that a function of yours got by its own way. */
export interface CustomToken {
  readonly token: string | Sealed<string>
  /** Time that it has left, in milliseconds, above 0; `Infinity`: no end. Default: the token is looked up at the server. */
  readonly ttlMs?: number
  /** Only with `ttlMs`. Default false: it is replaced ahead of its end, never renewed. */
  readonly renewable?: boolean
  /** Requests that it is good for; 0: no limit. Only with `ttlMs`. Default 0. */
  readonly numUses?: number
  /** May it be revoked at close, with all that it minted? Default false. */
  readonly owned?: boolean
}

/** Logs in. What it throws counts as a failed login, is not repeated in messages, and is tried again with back-off. */
export type CustomLogin = (context: LoginContext) => Promise<CustomToken | ServerAnswer> | CustomToken | ServerAnswer

/**
 * Login by a function of yours; called whenever a token is needed, one call for all who wait, bounded at 5 minutes.
 *
 * It gives either the whole answer of a login that it sent through `context.send`, whose token is then ours to
 * revoke, or a token that it got elsewhere. What it gives is checked.
 *
 * @param method - Stands in events and errors: `kerberos`, `broker`, …
 * @throws {TypeError} for wrong arguments. The login: {SessionError} `ERR_PORTCULLIS_SESSION_CUSTOM`,
 *   `ERR_PORTCULLIS_SESSION_MFA`, `ERR_PORTCULLIS_SESSION_LOGIN`.
 * @example
 * custom('gcp', async ({ send }) =>
 *   send({ operation: 'write', path: 'auth/gcp/login', data: { role: 'orders', jwt: await identityToken() } }))
 * custom('broker', async () => ({ token: await broker.token(), ttlMs: 3_600_000 }))
 */
export function custom(method: string, login: CustomLogin): AuthMethod {
  const name = stringOption('method', method ?? null, '')
  if (!/^[\w.-]{1,64}$/.test(name)) throw new TypeError('method must be a short word of letters, digits, "-", "_", "."')
  if (typeof login !== 'function') throw new TypeError(`login must be a function, got ${typed(login)}`)
  return {
    ...{ method: name, isUnseen: true },
    async login(context): Promise<Login> {
      const given: unknown = await login(context)
      if (typeof given !== 'object' || given === null) throw refused(name, `gave ${typed(given)}`)
      if ('token' in given) return handed(name, given as CustomToken, context)
      if ('auth' in given) return { grant: answered(name, given as ServerAnswer), owned: true }
      throw refused(name, 'gave an object without a token, and without auth')
    },
  }
}

const NAMES = ['token', 'ttlMs', 'renewable', 'numUses', 'owned']

async function handed(method: string, given: CustomToken, context: LoginContext): Promise<Login> {
  const unknown = Object.keys(given).find((name) => !NAMES.includes(name))
  if (unknown !== undefined) throw refused(method, `gave more than ${NAMES.join(', ')}`)
  const { ttlMs, renewable = false, numUses = 0, owned = false } = given
  const token = tokenOf(method, given.token)
  if (typeof owned !== 'boolean') throw refused(method, 'gave an owned that is not true or false')
  if (ttlMs === undefined) {
    if (given.renewable !== undefined || given.numUses !== undefined) {
      throw refused(method, 'gave renewable or numUses without ttlMs')
    }
    return { grant: await lookedUp(token, context), owned }
  }
  const grant = { token, ttlMs, renewable, numUses, ...NOTHING_TOLD }
  checkTimes(method, grant)
  return { grant, owned }
}

const NOTHING_TOLD = Object.freeze({
  accessor: seal(''),
  policies: Object.freeze([]),
  tokenType: '',
  orphan: false,
  mfaRequired: false,
})

/** An answer of the exchange is sound; one put together by hand may be anything. */
function answered(method: string, answer: ServerAnswer): TokenGrant {
  const auth: unknown = answer.auth
  if (typeof auth === 'object' && auth !== null && !('token' in auth && auth.token instanceof Sealed)) {
    throw refused(method, 'gave an auth without a sealed token; give the answer of context.send, or { token, ttlMs }')
  }
  const { token, accessor, ttlMs, renewable, policies, tokenType, orphan, numUses } = granted(answer, method)
  const isSound =
    accessor instanceof Sealed &&
    Array.isArray(policies) &&
    typeof tokenType === 'string' &&
    typeof orphan === 'boolean'
  if (!isSound) throw refused(method, 'gave an auth that is no answer of a server')
  checkTimes(method, { ttlMs, renewable, numUses })
  return { token, accessor, ttlMs, renewable, policies, tokenType, orphan, numUses, mfaRequired: false }
}

function tokenOf(method: string, given: unknown): Sealed<string> {
  const text: unknown = given instanceof Sealed ? unseal(given) : given
  if (typeof text !== 'string') throw refused(method, `gave a token that is ${typed(text)}`)
  if (!isCredential(text)) throw refused(method, 'gave a token that is empty, or not printable ASCII without spaces')
  return seal(text)
}

function checkTimes(method: string, grant: Pick<TokenGrant, 'ttlMs' | 'renewable' | 'numUses'>): void {
  const { ttlMs, renewable, numUses } = grant
  if (typeof ttlMs !== 'number' || !(ttlMs > 0)) throw refused(method, 'gave a ttlMs that is no number above 0')
  if (typeof renewable !== 'boolean') throw refused(method, 'gave a renewable that is not true or false')
  if (!Number.isSafeInteger(numUses) || numUses < 0) throw refused(method, 'gave a numUses that is no count')
}

function refused(method: string, what: string): SessionError {
  return new SessionError('ERR_PORTCULLIS_SESSION_CUSTOM', `the login function of ${method} ${what}`, { method })
}
