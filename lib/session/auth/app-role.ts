import { ServerError, SessionError } from '../../errors/index.ts'
import { type Sealed, seal, unseal } from '../../model/sealed.ts'
import { checkNames, stringOption } from '../../options/check.ts'
import type { AuthMethod, Login, LoginContext } from '../../ports/auth-method.ts'
import { type Credential, credential, readCredential } from './credential.ts'
import { logIn } from './log-in.ts'
import { mountOption } from './login-path.ts'

const METHOD = 'approle'

/** A role id and, unless the role asks for none, one form of secret id. */
export interface AppRoleOptions {
  readonly roleId?: string
  readonly roleIdFile?: string
  readonly secretId?: string
  /** Read anew at each login. */
  readonly secretIdFile?: string
  /** A wrapping token around the secret id: unwrapped once, checked for where it was made. */
  readonly wrappedSecretId?: string
  /** Read at each login; a new wrapping token in it is unwrapped anew. */
  readonly wrappedSecretIdFile?: string
  /** Where the wrapped secret id must have been made. Default: `auth/MOUNT/role/…/secret-id`, any role. */
  readonly creationPath?: string
  /** Path of the auth method. Default `approle`. */
  readonly mount?: string
}

/**
 * AppRole login.
 *
 * @throws {TypeError} for missing or contradicting options.
 * @example
 * appRole({ roleId: 'b0c9…', wrappedSecretIdFile: '/run/secrets/wrapped-secret-id' })
 */
export function appRole(options: AppRoleOptions): AuthMethod {
  checkNames('appRole()', options, NAMES)
  const mount = mountOption(options.mount, 'approle')
  const roleId = credential('roleId', options.roleId, options.roleIdFile)
  const secretId = secretIdSource(options, mount)
  return {
    method: METHOD,
    async login(context): Promise<Login> {
      const role = await readCredential(roleId, context, METHOD, 'roleId')
      const secret = await secretId(context)
      const data = { role_id: unseal(role), ...(secret === undefined ? {} : { secret_id: unseal(secret) }) }
      return logIn(context, METHOD, `auth/${mount}/login`, data)
    },
  }
}

const NAMES = [
  'roleId',
  'roleIdFile',
  'secretId',
  'secretIdFile',
  'wrappedSecretId',
  'wrappedSecretIdFile',
  'creationPath',
  'mount',
] as const

type SecretIdSource = (context: LoginContext) => Promise<Sealed<string> | undefined>

function secretIdSource(options: AppRoleOptions, mount: string): SecretIdSource {
  const given = NAMES.slice(2, 6).filter((name) => options[name] !== undefined)
  if (given.length > 1) throw new TypeError(`appRole() takes one of ${given.join(' and ')}, not both`)
  const isWrapped = options.wrappedSecretId !== undefined || options.wrappedSecretIdFile !== undefined
  if (options.creationPath !== undefined && !isWrapped) {
    throw new TypeError('creationPath goes with wrappedSecretId or wrappedSecretIdFile')
  }
  if (given.length === 0) return async () => undefined
  if (!isWrapped) {
    const source = credential('secretId', options.secretId, options.secretIdFile)
    return (context) => readCredential(source, context, METHOD, 'secretId')
  }
  const source = credential('wrappedSecretId', options.wrappedSecretId, options.wrappedSecretIdFile)
  return unwrapping(source, stringOption('creationPath', options.creationPath, undefined), mount)
}

/** A wrapping token opens once, so what was inside is kept, sealed, for the next login. */
function unwrapping(source: Credential, creationPath: string | undefined, mount: string): SecretIdSource {
  let opened: { readonly wrapping: string; readonly secretId: Sealed<string> } | undefined
  return async (context) => {
    const wrapping = await readCredential(source, context, METHOD, 'wrappedSecretId')
    if (opened === undefined || opened.wrapping !== unseal(wrapping)) {
      await checkOrigin(wrapping, creationPath, mount, context)
      opened = { wrapping: unseal(wrapping), secretId: await unwrap(wrapping, context) }
    }
    return opened.secretId
  }
}

async function checkOrigin(
  wrapping: Sealed<string>,
  expected: string | undefined,
  mount: string,
  context: LoginContext,
): Promise<void> {
  const answer = await opening(() =>
    context.send({ operation: 'write', path: 'sys/wrapping/lookup', data: { token: unseal(wrapping) } }),
  )
  const madeAt = answer.data?.creation_path
  const segments = typeof madeAt === 'string' ? madeAt.split('/') : []
  const isExpected =
    expected === undefined
      ? madeAt === `auth/${mount}/role/${segments.at(-2)}/secret-id` && segments.length === mount.split('/').length + 4
      : madeAt === expected
  if (!isExpected) {
    throw stolen(
      `the wrapped secret id was not made at ${expected ?? `auth/${mount}/role/…/secret-id`}: treat it as forged`,
    )
  }
}

async function unwrap(wrapping: Sealed<string>, context: LoginContext): Promise<Sealed<string>> {
  const answer = await opening(() => context.send({ operation: 'write', path: 'sys/wrapping/unwrap', token: wrapping }))
  const secretId = answer.data?.secret_id
  if (typeof secretId !== 'string' || secretId === '') throw stolen('what was wrapped is no secret id')
  return seal(secretId)
}

/** A wrapping token that does not open was opened by someone else, or has lapsed: an alarm either way. */
async function opening<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof ServerError) || (error.status !== 400 && error.status !== 403)) throw error
    throw stolen('the wrapping token of the secret id is not valid: it lapsed, or someone else unwrapped it', error)
  }
}

function stolen(message: string, cause?: unknown): SessionError {
  return new SessionError('ERR_PORTCULLIS_SESSION_WRAPPED', message, { method: METHOD, cause })
}
