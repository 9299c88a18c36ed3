import { createHash, createHmac } from 'node:crypto'
import type { AwsCredentials } from './aws-credentials.ts'

/** A request to be signed. Its URL has no query: what we sign keeps its parameters in the body. */
export interface SigningRequest {
  readonly method: string
  /** Absolute, of plain characters. */
  readonly path: string
  /** Each is signed. Names in lower case; `host` and `x-amz-date` (`YYYYMMDDTHHMMSSZ`) among them. */
  readonly headers: Readonly<Record<string, string>> & { readonly host: string; readonly 'x-amz-date': string }
  readonly body: string
  readonly region: string
  readonly service: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

/**
 * Value of the `Authorization` header that signs `request`, by AWS Signature Version 4. Pure.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function authorizationOf(request: SigningRequest, keys: AwsCredentials): string {
  const names = Object.keys(request.headers).sort()
  const amzDate = request.headers['x-amz-date']
  const day = amzDate.slice(0, 8)
  const scope = `${day}/${request.region}/${request.service}/aws4_request`
  const toSign = [ALGORITHM, amzDate, scope, sha256(canonicalRequest(request, names))].join('\n')
  const key = [day, request.region, request.service, 'aws4_request'].reduce<string | Uint8Array>(
    (secret, part) => hmac(secret, part),
    `AWS4${keys.secretAccessKey}`,
  )
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  return `${ALGORITHM} Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
}

function canonicalRequest({ method, path, headers, body }: SigningRequest, names: readonly string[]): string {
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`)
  return [method, path, '', ...lines, '', names.join(';'), sha256(body)].join('\n')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest()
}
