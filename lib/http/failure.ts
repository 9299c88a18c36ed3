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
  const proxyStatus = proxyRefusal(code, failure.error)
  if (proxyStatus !== undefined) return proxyRefused(proxyStatus, place)
  if (MALFORMED.has(code)) return malformed(code, failure.error, place, status)
  if (status !== 0) return truncated(place)
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

/** The status by which a proxy refused, which undici tells only in the text of its error. */
function proxyRefusal(code: string, error: Error): string | undefined {
  if (code !== 'UND_ERR_ABORTED' && code !== 'UND_ERR_INVALID_ARG') return undefined
  return /^Proxy .*\((\d{3})\)/.exec(error.message)?.[1]
}

function proxyRefused(status: string, place: Place): Finding {
  const advice = status === '407' ? '; it wants a user name and password in its URL' : ''
  return { ...unreached(`the proxy ${place.proxyHost} answered ${status}${advice}`), mayHaveHappened: false }
}

/** The parser's errors carry no code of their own. */
const PARSER = 'HTTPParserError'
const MALFORMED: ReadonlySet<string> = new Set([
  PARSER,
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
])

function malformed(code: string, error: Error, place: Place, status: number): Finding {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return {
      code: 'ERR_PORTCULLIS_SERVER_BAD_ANSWER',
      what: `the headers of the answer of ${place.address} are too large`,
    }
  }
  if (status !== 0 && (code !== PARSER || error.message.includes('EOF'))) return truncated(place)
  return { code: 'ERR_PORTCULLIS_SERVER_BAD_ANSWER', what: `${place.address} does not answer in HTTP` }
}

function truncated(place: Place): Finding {
  return { code: 'ERR_PORTCULLIS_SERVER_TRUNCATED', what: `${place.address} cut the answer short` }
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
  const to = place.proxyHost === undefined ? place.address : `${place.address} by the proxy ${place.proxyHost}`
  const known = sent ? undefined : UNREACHABLE[code]
  if (known !== undefined) return unreached(`${known} ${to} (${code})`)
  // A server that wants a client certificate says so, in TLS 1.3, after the request; undici then only sees the end.
  const hint = sent && place.address.startsWith('https:') ? '; does it ask for a client certificate?' : ''
  return unreached(
    `the connection to ${to} ${sent ? 'ended before an answer' : 'failed'} (${code || 'no code'})${hint}`,
  )
}

function unreached(what: string): Finding {
  return { code: 'ERR_PORTCULLIS_SERVER_UNREACHABLE', what }
}

function codeOf(error: Error): string {
  if (error.name === PARSER) return PARSER
  const code: unknown = Reflect.get(error, 'code')
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
