import { type Sealed, seal } from '../../model/sealed.ts'
import { checkNames, typed } from '../../options/check.ts'
import type { LoginContext } from '../../ports/auth-method.ts'
import { credentialError, isCredential } from './credential.ts'

/** Keys of an AWS identity. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** With temporary keys. */
  readonly sessionToken?: string
}

/** Gives the keys as they stand now; called at each login. A credential provider of the AWS SDK is one. */
export type AwsCredentialSource = () => AwsCredentials | Promise<AwsCredentials>

const NAMES = ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const

/**
 * Where the keys come from: `credentials`, else the environment at each login.
 *
 * @throws {TypeError} for keys that cannot be; the value is not told.
 */
export function awsCredentials(
  credentials: AwsCredentials | AwsCredentialSource | undefined,
): (context: LoginContext) => Promise<Sealed<AwsCredentials>> {
  if (credentials === undefined) return async (context) => fromEnvironment(context)
  if (typeof credentials === 'function') return () => fromSource(credentials)
  checkNames('credentials', credentials, NAMES)
  const problem = problemOf(credentials)
  if (problem !== undefined) throw new TypeError(`credentials.${problem}`)
  const kept = sealedKeys(credentials)
  return async () => kept
}

function fromEnvironment({ variable }: LoginContext): Sealed<AwsCredentials> {
  const accessKeyId = variable('AWS_ACCESS_KEY_ID')
  const secretAccessKey = variable('AWS_SECRET_ACCESS_KEY')
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw credentialError(
      'aws',
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set; give aws() credentials, such as a provider of the AWS SDK',
    )
  }
  return checked({ accessKeyId, secretAccessKey, sessionToken: variable('AWS_SESSION_TOKEN') }, 'the environment')
}

/** What the function throws may hold keys, and does not become the cause. */
async function fromSource(source: AwsCredentialSource): Promise<Sealed<AwsCredentials>> {
  let given: unknown
  try {
    given = await source()
  } catch {
    throw credentialError('aws', 'the credentials function of aws() failed')
  }
  return checked(given, 'the credentials function of aws()')
}

function checked(given: unknown, from: string): Sealed<AwsCredentials> {
  const problem = problemOf(given)
  if (problem !== undefined) throw credentialError('aws', `${from} gave no usable keys: ${problem}`)
  return sealedKeys(given as AwsCredentials)
}

function problemOf(given: unknown): string | undefined {
  if (typeof given !== 'object' || given === null) return `it is ${typed(given)}`
  for (const name of NAMES) {
    const value: unknown = Reflect.get(given, name)
    if (value === undefined && name === 'sessionToken') continue
    if (typeof value !== 'string' || !isCredential(value)) return `${name} must be printable ASCII without spaces`
  }
  return undefined
}

function sealedKeys({ accessKeyId, secretAccessKey, sessionToken }: AwsCredentials): Sealed<AwsCredentials> {
  return seal({ accessKeyId, secretAccessKey, sessionToken } as AwsCredentials)
}
