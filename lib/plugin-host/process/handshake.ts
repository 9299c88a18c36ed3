import { isAbsolute, normalize, sep } from 'node:path'
import { certificateOfField } from '../wire/certificate.ts'

/** What a plugin tells on its first line: where it listens, and with which certificate. */
export interface Handshake {
  readonly protocolVersion: number
  readonly address: HandshakeAddress
  /** PEM; the only certificate that is trusted for this process. */
  readonly certificate: string
}

/** A Unix socket in the folder of the process, or a port of this machine. */
export type HandshakeAddress = { readonly path: string } | { readonly host: string; readonly port: number }

/** What is asked of the line. */
export interface HandshakeTerms {
  /** Versions that were offered. */
  readonly versions: readonly number[]
  /** The only folder in which a socket may lie. */
  readonly socketFolder: string
}

/** Longest line that is taken for a handshake, in bytes; a real one has about 900. */
export const MAX_HANDSHAKE_BYTES: number = 16 * 1024
const CORE_VERSION = '1'
/** Older plugins put other things into the sixth field; what is no longer is no certificate. */
const LONGEST_NON_CERTIFICATE = 50
const PORT = /^127\.0\.0\.1:([1-9][0-9]{0,4})$/

/**
 * Reads the line that a plugin prints: `1|5|unix|PATH|grpc|CERTIFICATE`.
 *
 * @throws {Error} saying what is wrong with it; never quoting it, since it is the plugin's.
 */
export function parseHandshake(line: string, terms: HandshakeTerms): Handshake {
  const fields = line.trim().split('|')
  const [core, version, network, address, protocol = 'netrpc', certificate = ''] = fields
  if (fields.length < 4) throw new Error('its first line is no handshake')
  if (core !== CORE_VERSION) throw new Error(`its handshake has a core protocol other than ${CORE_VERSION}`)
  const protocolVersion = terms.versions.find((offered) => String(offered) === version)
  if (protocolVersion === undefined) {
    throw new Error(`it speaks none of the protocol versions ${terms.versions.join(', ')}`)
  }
  if (protocol !== 'grpc') throw new Error('it does not speak gRPC')
  return {
    protocolVersion,
    address: parseAddress(network ?? '', address ?? '', terms.socketFolder),
    certificate: parseCertificate(certificate),
  }
}

function parseAddress(network: string, address: string, folder: string): HandshakeAddress {
  if (network === 'unix') {
    // Else a plugin could have the host speak to a socket that only the host may use.
    const isInside = isAbsolute(address) && normalize(address) === address && address.startsWith(folder + sep)
    if (!isInside || address.includes('\0')) throw new Error('its socket lies outside of its folder')
    return { path: address }
  }
  const port = network === 'tcp' ? Number(PORT.exec(address)?.[1]) : Number.NaN
  if (!(port <= 65_535)) throw new Error('it listens neither on a Unix socket nor on 127.0.0.1')
  return { host: '127.0.0.1', port }
}

function parseCertificate(field: string): string {
  if (field.length <= LONGEST_NON_CERTIFICATE) throw new Error('it answers without a certificate, so without AutoMTLS')
  const pem = certificateOfField(field)
  if (pem === undefined) throw new Error('its certificate is not one in base64 without padding')
  return pem
}
