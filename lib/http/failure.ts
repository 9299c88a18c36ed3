import { type CodeOf, ServerError } from '../errors/index.ts'
import type { ExchangeFailure, Failure } from './exchange.ts'
import type { Asked } from './refusal.ts'

/** What messages say of the place that was tried. */
export interface Place {
  /** Without credentials. */
  readonly address: string
  /** Host of the proxy, where there is one. */
  readonly proxyHost: string | undefined
  readonly maxResponseBytes: number
  readonly timeoutMs: number
}

interface Finding {
  readonly code: CodeOf<'ServerError'>
  readonly what: string
  /** Overrules what is known of sending. */
  readonly mayHaveHappened?: boolean
}

/** The one translation of what undici, Node and the operating system throw into our error. */
export function failureOf(asked: Asked, place: Place, failed: ExchangeFailure): ServerError {
  const { failure, sent, status } = failed
  const { code, what, mayHaveHappened } = findingOf(failure, place, sent, status)
  return new ServerError(code, `${asked.operation} ${asked.path}: ${what}`, {
    ...asked,
    status,
    // A status that says "refused" settles it, even where its body was cut.
    mayHaveHappened: mayHaveHappened ?? (sent && (status < 300 || status >= 500)),
    ...(failure.kind === 'error' ? { cause: causeOf(failure.error) } : {}),
  })
}

function findingOf(failure: Failure, place: Place, sent: boolean, status: number): Finding {
  if (failure.kind === 'ended') return timeout(place, sent)
  if (failure.kind === 'too-large') {
    const what = `the answer is larger than maxResponseBytes (${place.maxResponseBytes})`
    return { code: 'ERR_PORTCULLIS_SERVER_TOO_LARGE', what }
  }
  const code = codeOf(failure.error)
  if (isMalformed(code)) return malformed(code, place, status)
  if (status !== 0) return { code: 'ERR_PORTCULLIS_SERVER_TRUNCATED', what: `${place.address} cut the answer short` }
  if (isTls(code)) return tls(code, place)
  if (isDns(code)) return dns(code, place)
  return unreachable(code, place, sent)
}

function timeout(place: Place, sent: boolean): Finding {
  const what = sent
    ? `no whole answer from ${place.address} within ${place.timeoutMs} ms`
    : `no connection to ${place.address} became free within ${place.timeoutMs} ms`
  return { code: 'ERR_PORTCULLIS_SERVER_TIMEOUT', what }
}

function isMalformed(code: string): boolean {
  return (
    code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
  )
}

function malformed(code: string, place: Place, status: number): Finding {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return {
      code: 'ERR_PORTCULLIS_SERVER_BAD_ANSWER',
      what: `the headers of the answer of ${place.address} are too large`,
    }
  }
  const isCut = code === 'HPE_INVALID_EOF_STATE' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
  if (isCut && status !== 0) {
    return { code: 'ERR_PORTCULLIS_SERVER_TRUNCATED', what: `${place.address} cut the answer short` }
  }
  return { code: 'ERR_PORTCULLIS_SERVER_BAD_ANSWER', what: `${place.address} does not answer in HTTP (${code})` }
}

const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|EPROTO$|UND_ERR_PRX_TLS$)/
const CLIENT_CERT = /ALERT_(?:CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|HANDSHAKE_FAILURE)/

function isTls(code: string): boolean {
  return TLS_CODE.test(code)
}

function tls(code: string, place: Place): Finding {
  const found = (advice: string, rest: Partial<Finding> = {}): Finding => ({
    code: 'ERR_PORTCULLIS_SERVER_TLS',
    what: `TLS with ${place.address} failed (${code}): ${advice}`,
    ...rest,
  })
  if (code === 'UND_ERR_PRX_TLS') return found(`the certificate of the proxy ${place.proxyHost} is for another name`)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return found('its certificate is for another name; see tls.serverName')
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return found('check its certificate and the clocks')
  // The handshake failed at the server, before it could read a request.
  if (CLIENT_CERT.test(code))
    return found('it asks for another client certificate; see tls.cert', { mayHaveHappened: false })
  if (code.includes('WRONG_VERSION_NUMBER') || code.includes('PACKET_LENGTH')) return found('does it speak plain HTTP?')
  if (code.includes('PROTOCOL_VERSION')) return found('it offers no TLS 1.2 or 1.3')
  if (isUntrusted(code)) return found('its certificate is not trusted; name its authority in tls.ca or VAULT_CACERT')
  return found('see the cause')
}

function isUntrusted(code: string): boolean {
  return /^(?:SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(?:GET_ISSUER|VERIFY)|CERT_UNTRUSTED)/.test(code)
}

function isDns(code: string): boolean {
  return code === 'ENOTFOUND' || code.startsWith('EAI_')
}

function dns(code: string, place: Place): Finding {
  const host = place.proxyHost === undefined ? `the host of ${place.address}` : `the proxy ${place.proxyHost}`
  return {
    code: 'ERR_PORTCULLIS_SERVER_DNS',
    what: `the name of ${host} cannot be resolved (${code})`,
    mayHaveHappened: false,
  }
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at',
  ENOENT: 'there is no socket at',
  EACCES: 'this process may not connect to',
  EPERM: 'this process may not connect to',
  EHOSTUNREACH: 'no route to',
  ENETUNREACH: 'no route to',
  ETIMEDOUT: 'no connection in time to',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time to',
}

function unreachable(code: string, place: Place, sent: boolean): Finding {
  const via = place.proxyHost === undefined ? '' : ` by the proxy ${place.proxyHost}`
  const known = UNREACHABLE[code]
  const what =
    known !== undefined && !sent
      ? `${known} ${place.address}${via} (${code})`
      : `the connection to ${place.address}${via} ${sent ? 'ended before an answer' : 'was refused'} (${code || 'no code'})`
  return { code: 'ERR_PORTCULLIS_SERVER_UNREACHABLE', what }
}

function codeOf(error: unknown): string {
  const code: unknown = Reflect.get(Object(error), 'code')
  return typeof code === 'string' ? code : ''
}

/**
 * What stands in `cause`: the original, but for the parser's error, which carries the bytes of the answer
 * that it stumbled over.
 */
function causeOf(error: Error): Error {
  if (!Object.hasOwn(error, 'data')) return error
  return Object.assign(new Error(error.message), { name: error.name, code: codeOf(error) })
}
