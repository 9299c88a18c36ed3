import { type Fields, fieldOf } from '../http2/hpack-decoder.ts'

/** The codes that calls end with. */
export const GRPC_STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const

/**
 * How a call ended that did not end well. Those who call translate it; it never leaves the plugin host and the SDK.
 *
 * `message` can be the peer's own words: bounded, but untrusted, and able to echo what the peer was sent.
 */
export class GrpcStatusError extends Error {
  override readonly name = 'GrpcStatusError'
  /** One of {@link GRPC_STATUS}, or whatever small number the peer sent. */
  readonly code: number
  /** Is it certain that the peer has not even begun with the call? Then it may be sent again. */
  readonly isUnprocessed: boolean

  constructor(code: number, message: string, options?: ErrorOptions & { readonly isUnprocessed?: boolean }) {
    super(message, options)
    this.code = code
    this.isUnprocessed = options?.isUnprocessed === true
  }
}

/** Longest text kept of a peer's words. */
const MAX_TEXT = 4096

/** The status in the headers or trailers of a call; `undefined` where they have none. */
export function statusIn(headers: Readonly<Record<string, unknown>>): GrpcStatusError | 'ok' | undefined {
  return statusFrom(headers['grpc-status'], headers['grpc-message'])
}

/** The same, of fields. */
export function statusOfFields(fields: Fields): GrpcStatusError | 'ok' | undefined {
  const code = fieldOf(fields, 'grpc-status')
  return code === undefined || code === '0' ? statusFrom(code, '') : statusFrom(code, fieldOf(fields, 'grpc-message'))
}

function statusFrom(code: unknown, text: unknown): GrpcStatusError | 'ok' | undefined {
  if (code === undefined) return undefined
  if (code === '0') return 'ok'
  const number = typeof code === 'string' && /^\d{1,3}$/.test(code) ? Number(code) : GRPC_STATUS.unknown
  return new GrpcStatusError(number, typeof text === 'string' ? decodeText(text) : '')
}

/** What a status looks like as headers. */
export function headersOf(error: GrpcStatusError): Record<string, string> {
  return {
    'grpc-status': String(error.code),
    ...(error.message === '' ? {} : { 'grpc-message': encodeText(error.message) }),
  }
}

/** Percent-encoded, as the header `grpc-message` wants it. */
export function encodeText(text: string): string {
  const bytes = Buffer.from(text.slice(0, MAX_TEXT).toWellFormed())
  let encoded = ''
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/** The other way; what is not well encoded is taken as it stands. */
export function decodeText(text: string): string {
  const bounded = text.slice(0, MAX_TEXT * 3)
  if (!bounded.includes('%')) return bounded.slice(0, MAX_TEXT)
  const bytes = Buffer.from(bounded, 'latin1')
  const decoded = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const pair = bytes[at] === 0x25 ? bytes.toString('latin1', at + 1, at + 3) : ''
    const isEncoded = /^[\da-fA-F]{2}$/.test(pair)
    decoded[length++] = isEncoded ? Number.parseInt(pair, 16) : (bytes[at] ?? 0)
    if (isEncoded) at += 2
  }
  return decoded.toString('utf8', 0, length).slice(0, MAX_TEXT)
}

/** Which status stands for the end of a stream that brought none, by its HTTP/2 error code. */
export function statusOfReset(code: number): number {
  switch (code) {
    case 7: // REFUSED_STREAM
      return GRPC_STATUS.unavailable
    case 8: // CANCEL
      return GRPC_STATUS.cancelled
    case 11: // ENHANCE_YOUR_CALM
      return GRPC_STATUS.resourceExhausted
    default:
      return GRPC_STATUS.internal
  }
}

/** Whatever was thrown, as a status; its words are not passed on, since a cause of our own can hold anything. */
export function asStatus(error: unknown): GrpcStatusError {
  if (error instanceof GrpcStatusError) return error
  return new GrpcStatusError(GRPC_STATUS.internal, 'the call failed', { cause: error })
}
