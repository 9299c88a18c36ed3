import { isoTime } from '../../model/iso-time.ts'
import type { JsonObject } from '../../model/json.ts'
import { unseal } from '../../model/sealed.ts'
import { checkNames, stringOption } from '../../options/check.ts'
import type { AuthMethod } from '../../ports/auth-method.ts'
import { type AwsCredentialSource, type AwsCredentials, awsCredentials } from './aws-credentials.ts'
import { logIn } from './log-in.ts'
import { mountOption } from './login-path.ts'
import { authorizationOf } from './sig-v4.ts'

/** Whom to log in as, and how the request to AWS is signed. */
export interface AwsOptions {
  /** Default: the server takes the name of the AWS identity. */
  readonly role?: string
  /** Region whose STS the server asks. Default: none, the global `sts.amazonaws.com`, signed for `us-east-1`; the server's default too. */
  readonly region?: string
  /** Value of `X-Vault-AWS-IAM-Server-ID`, which ties the signed request to one server. Default: none is sent. */
  readonly serverId?: string
  /** Path of the auth method. Default `aws`. */
  readonly mount?: string
  /**
   * Keys, or a function that gives them at each login, such as `fromNodeProviderChain()` of the AWS SDK.
   * Default: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read at each login.
   */
  readonly credentials?: AwsCredentials | AwsCredentialSource
}

/**
 * AWS IAM login: a signed `sts:GetCallerIdentity` request, which the server sends on to AWS to learn who signed it.
 *
 * The keys stay here; the signature is good for minutes. Set a server id, or another server that is given the same
 * request can log in as you.
 *
 * @throws {TypeError} for wrong options.
 * @example
 * aws({ role: 'orders', serverId: 'vault.internal' })
 */
export function aws(options: AwsOptions = {}): AuthMethod {
  checkNames('aws()', options, ['role', 'region', 'serverId', 'mount', 'credentials'])
  const path = `auth/${mountOption(options.mount, 'aws')}/login`
  const role = stringOption('role', options.role, undefined)
  const target = { region: regionOption(options.region), serverId: serverIdOption(options.serverId) }
  const keysOf = awsCredentials(options.credentials)
  return {
    method: 'aws',
    async login(context) {
      const keys = unseal(await keysOf(context))
      const signed = callerIdentity(target, keys, context.wallTime())
      return logIn(context, 'aws', path, { ...(role === undefined ? {} : { role }), ...signed })
    },
  }
}

interface Target {
  readonly region: string | undefined
  readonly serverId: string | undefined
}

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15'

/** The signed request, in the form that the login takes. */
function callerIdentity({ region, serverId }: Target, keys: AwsCredentials, wallMs: number): JsonObject {
  const host = stsHost(region)
  const headers = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host,
    'x-amz-date': `${isoTime(wallMs).slice(0, 19).replace(/[-:]/g, '')}Z`,
    ...(keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }),
    ...(serverId === undefined ? {} : { 'x-vault-aws-iam-server-id': serverId }),
  }
  const request = { method: 'POST', path: '/', headers, body: BODY, region: region ?? 'us-east-1', service: 'sts' }
  const authorization = authorizationOf(request, keys)
  return {
    iam_http_request_method: 'POST',
    iam_request_url: base64(`https://${host}/`),
    iam_request_body: base64(BODY),
    iam_request_headers: base64(JSON.stringify({ ...headers, authorization })),
  }
}

function stsHost(region: string | undefined): string {
  if (region === undefined) return 'sts.amazonaws.com'
  return `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

/** It becomes part of a host name. */
function regionOption(value: unknown): string | undefined {
  const region = stringOption('region', value, undefined)
  if (region === undefined || /^[a-z0-9-]{1,32}$/.test(region)) return region
  throw new TypeError('region must be the name of a region, such as eu-central-1')
}

/** It becomes a header. */
function serverIdOption(value: unknown): string | undefined {
  const serverId = stringOption('serverId', value, undefined)
  if (serverId === undefined || /^[\x21-\x7e]+$/.test(serverId)) return serverId
  throw new TypeError('serverId must be printable ASCII without spaces')
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
