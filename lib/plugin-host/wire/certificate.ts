import { generateKeyPair, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import { bits, der, integer, objectId, octets, sequence, setOf, time, utf8, yes } from './der.ts'

const makeKeyPair = promisify(generateKeyPair)

/** A certificate for one process and its key, both made for this use alone. */
export interface Certificate {
  readonly certPem: string
  /** PKCS#8. Secret. */
  readonly keyPem: string
  /** Of the certificate. */
  readonly der: Uint8Array
}

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const COMMON_NAME = '2.5.4.3'
const SUBJECT_ALT_NAME = '2.5.29.17'
const BASIC_CONSTRAINTS = '2.5.29.19'
const KEY_USAGE = '2.5.29.15'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** A clock that is set back by this much still finds the certificate valid. */
const BACKDATED_MS = 30_000
/** A plugin process can live for years; its certificate ends with it, not before. */
const VALID_MS = 30 * 365 * 86_400_000

/**
 * A self-signed certificate for AutoMTLS: P-256, for `localhost`, to be shown as server and as client.
 *
 * It is root and leaf in one, since each end trusts exactly the certificate that the other handed over.
 *
 * @param nowMs - Milliseconds since 1970. Default: the system clock's.
 */
export async function createCertificate(nowMs: number = Date.now()): Promise<Certificate> {
  const { publicKey, privateKey } = await makeKeyPair('ec', { namedCurve: 'P-256' })
  const content = contentOf(publicKey, nowMs)
  const signature = sign('sha256', content, privateKey)
  const certificate = sequence(content, sequence(objectId(ECDSA_WITH_SHA256)), bits(signature))
  return {
    certPem: pemOf(certificate),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    der: certificate,
  }
}

function contentOf(publicKey: KeyObject, nowMs: number): Buffer {
  const name = sequence(setOf(sequence(objectId(COMMON_NAME), utf8('localhost'))))
  return sequence(
    der(0xa0, integer(Uint8Array.of(2))), // version 3
    integer(randomBytes(16)),
    sequence(objectId(ECDSA_WITH_SHA256)),
    name,
    sequence(time(nowMs - BACKDATED_MS), time(nowMs + VALID_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions()),
  )
}

function extensions(): Buffer {
  // digitalSignature, keyEncipherment, keyAgreement, keyCertSign.
  const usage = bits(Uint8Array.of(0b1010_1100), 2)
  return sequence(
    extension(BASIC_CONSTRAINTS, sequence(yes()), true),
    extension(KEY_USAGE, usage, true),
    extension(EXTENDED_KEY_USAGE, sequence(objectId(SERVER_AUTH), objectId(CLIENT_AUTH)), false),
    extension(SUBJECT_ALT_NAME, sequence(der(0x82, Buffer.from('localhost'))), false),
  )
}

function extension(id: string, value: Uint8Array, isCritical: boolean): Buffer {
  return sequence(objectId(id), ...(isCritical ? [yes()] : []), octets(value))
}

/** As the handshake line carries it: base64 without padding. */
export function certificateField({ der: bytes }: Certificate): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}

/** Longest field that is looked at; a P-521 certificate takes about 800 characters. */
const MAX_FIELD = 16 * 1024

/**
 * The PEM of a certificate out of a handshake line.
 *
 * @returns `undefined` for what is not one certificate in standard base64 without padding.
 */
export function certificateOfField(field: string): string | undefined {
  if (field.length > MAX_FIELD || !/^[A-Za-z0-9+/]+$/.test(field)) return undefined
  try {
    const bytes = Buffer.from(field, 'base64')
    const { raw } = new X509Certificate(bytes)
    return raw.equals(bytes) ? pemOf(raw) : undefined
  } catch {
    return undefined
  }
}

function pemOf(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
