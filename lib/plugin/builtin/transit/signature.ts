import { Buffer } from 'node:buffer'
import {
  constants,
  createPublicKey,
  type KeyObject,
  privateEncrypt,
  publicDecrypt,
  type SignKeyObjectInput,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { promisify } from 'node:util'
import { PluginRefusal } from '../../refusal.ts'
import { readBase64 } from './base64.ts'
import { failed } from './failure.ts'
import { hashOf } from './hashes.ts'
import { publicText, type TransitKey } from './key.ts'
import { readVersioned, versionedText, versionToUse } from './versioned.ts'

/** How a signature is made; names as the API has them. */
export interface SignatureScheme {
  /** `sha2-256`, …, or `none`: the input is signed as it is, by RSA with PKCS #1 v1.5. */
  readonly hash: string
  readonly isPrehashed: boolean
  /** Of RSA: `pss` or `pkcs1v15`; empty is `pss`. */
  readonly algorithm: string
  /** `asn1`; or `jws`: base64url, and of ECDSA both numbers as they are. */
  readonly marshaling: string
  /** Of PSS: `auto`, `hash`, or bytes. */
  readonly saltLength: string
}

/** What signing yields. */
export interface Signed {
  readonly signature: string
  readonly version: number
  /** Of keys derived for the context. */
  readonly publicKey: string | undefined
}

const signAsync: (hash: string | null, input: Uint8Array, key: SignKeyObjectInput) => Promise<Buffer> = promisify(sign)
const verifyAsync: (
  hash: string | null,
  input: Uint8Array,
  key: SignKeyObjectInput,
  signature: Uint8Array,
) => Promise<boolean> = promisify(verify)

/** @throws {PluginRefusal} the scheme names what there is not, or what this key cannot do. */
export function checkScheme({ hash, isPrehashed, algorithm, marshaling, saltLength }: SignatureScheme): void {
  if (hash === 'none') {
    if (!isPrehashed || algorithm !== 'pkcs1v15')
      throw new PluginRefusal('hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15')
  } else if (hashOf(hash) === undefined) throw new PluginRefusal(`invalid hash algorithm ${JSON.stringify(hash)}`)
  if (marshaling !== 'asn1' && marshaling !== 'jws')
    throw new PluginRefusal(`invalid marshaling type ${JSON.stringify(marshaling)}`)
  if (saltLength !== 'auto' && saltLength !== 'hash' && !/^\d{1,4}$/.test(saltLength))
    throw new PluginRefusal(`salt length neither 'auto', 'hash', nor an int: ${saltLength}`)
}

/** Signs `input`. @param askedVersion - 0 for the latest. @throws {PluginRefusal} */
export async function signInput(
  key: TransitKey,
  input: Uint8Array,
  scheme: SignatureScheme,
  context: Uint8Array | undefined,
  askedVersion: number,
): Promise<Signed> {
  const version = versionToUse(askedVersion, key.stored, 'signing', failed)
  const privateKey = privateKeyFor(key, version, context)
  const isJws = scheme.marshaling === 'jws'
  const bytes = await signed(privateKey, input, scheme)
  return {
    signature: versionedText(version, bytes.toString(isJws ? 'base64url' : 'base64')),
    version,
    publicKey: key.stored.derived ? publicText(privateKey) : undefined,
  }
}

/** Is `signature` one of `input`? @throws {PluginRefusal} it is no signature at all, or of a version that is not allowed. */
export async function verifySignature(
  key: TransitKey,
  input: Uint8Array,
  signature: string,
  scheme: SignatureScheme,
  context: Uint8Array | undefined,
): Promise<boolean> {
  const { version, text } = readVersioned(signature, key.stored, { what: 'signature' })
  const isJws = scheme.marshaling === 'jws'
  const bytes = signatureBytes(text, isJws)
  if (key.traits.curve !== undefined && !isJws && !isPairOfIntegers(bytes))
    throw new PluginRefusal('supplied signature is invalid')
  const publicKey = createPublicKey(privateKeyFor(key, version, context))
  if (scheme.isPrehashed) return isOfDigest(publicKey, input, bytes, scheme)
  const how = schemeOf(publicKey, scheme, true)
  // What OpenSSL cannot even read is no signature of this.
  return verifyAsync(digestOf(publicKey, scheme), input, how, bytes).catch(() => false)
}

function privateKeyFor(key: TransitKey, version: number, context: Uint8Array | undefined): KeyObject {
  try {
    return key.privateKey(version, context)
  } catch (error) {
    if (!(error instanceof PluginRefusal)) throw error
    throw failed(error.message.startsWith('missing') ? `error deriving key: ${error.message}` : error.message)
  }
}

async function signed(key: KeyObject, input: Uint8Array, scheme: SignatureScheme): Promise<Buffer> {
  const encoded = scheme.isPrehashed ? digestInfo(key, input, scheme) : undefined
  const how = schemeOf(key, scheme, false)
  try {
    if (encoded === undefined) return await signAsync(digestOf(key, scheme), input, how)
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encoded)
  } catch {
    throw failed('the input, or the salt that is asked for, is too long for the key')
  }
}

function isOfDigest(key: KeyObject, input: Uint8Array, signature: Uint8Array, scheme: SignatureScheme): boolean {
  const expected = digestInfo(key, input, scheme)
  try {
    const found = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature)
    return found.length === expected.length && timingSafeEqual(found, expected)
  } catch {
    return false
  }
}

function digestOf(key: KeyObject, { hash }: SignatureScheme): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : (hashOf(hash) ?? null)
}

function schemeOf(key: KeyObject, scheme: SignatureScheme, isVerifying: boolean): SignKeyObjectInput {
  if (key.asymmetricKeyType === 'ec') return { key, dsaEncoding: scheme.marshaling === 'jws' ? 'ieee-p1363' : 'der' }
  if (key.asymmetricKeyType !== 'rsa') return { key }
  if (scheme.algorithm === 'pkcs1v15') return { key, padding: constants.RSA_PKCS1_PADDING }
  if (scheme.algorithm !== 'pss' && scheme.algorithm !== '')
    throw failed(`unsupported rsa signature algorithm ${scheme.algorithm}`)
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltOf(scheme.saltLength, isVerifying) }
}

function saltOf(length: string, isVerifying: boolean): number {
  if (length === 'hash') return constants.RSA_PSS_SALTLEN_DIGEST
  if (length !== 'auto') return Number(length)
  return isVerifying ? constants.RSA_PSS_SALTLEN_AUTO : constants.RSA_PSS_SALTLEN_MAX_SIGN
}

/** What PKCS #1 v1.5 has before a digest. @see https://www.rfc-editor.org/rfc/rfc8017#section-9.2 */
const DIGEST_INFO: Readonly<Record<string, readonly [prefix: string, bytes: number]>> = {
  none: ['', 0],
  sha1: ['3021300906052b0e03021a05000414', 20],
  'sha2-224': ['302d300d06096086480165030402040500041c', 28],
  'sha2-256': ['3031300d060960864801650304020105000420', 32],
  'sha2-384': ['3041300d060960864801650304020205000430', 48],
  'sha2-512': ['3051300d060960864801650304020305000440', 64],
  'sha3-224': ['302d300d06096086480165030402070500041c', 28],
  'sha3-256': ['3031300d060960864801650304020805000420', 32],
  'sha3-384': ['3041300d060960864801650304020905000430', 48],
  'sha3-512': ['3051300d060960864801650304020a05000440', 64],
}

/** `node:crypto` signs digests by no other scheme than this one. */
function digestInfo(key: KeyObject, digest: Uint8Array, { hash, algorithm }: SignatureScheme): Buffer {
  if (key.asymmetricKeyType !== 'rsa' || algorithm !== 'pkcs1v15')
    throw new PluginRefusal('prehashed input is supported for RSA keys with signature_algorithm=pkcs1v15 alone')
  const [prefix, bytes] = DIGEST_INFO[hash] ?? ['', -1]
  if (hash !== 'none' && digest.length !== bytes) throw failed('crypto/rsa: input must be hashed with given hash')
  return Buffer.concat([Buffer.from(prefix, 'hex'), digest])
}

function signatureBytes(text: string, isJws: boolean): Buffer {
  if (isJws) {
    if (/^[\w-]*$/.test(text)) return Buffer.from(text, 'base64url')
    throw new PluginRefusal('invalid base64 signature value')
  }
  try {
    return readBase64(text)
  } catch {
    throw new PluginRefusal('invalid base64 signature value')
  }
}

/** A DER sequence of two integers, and nothing behind it. */
function isPairOfIntegers(bytes: Uint8Array): boolean {
  const body = derBody(bytes, 0, 0x30)
  if (body === undefined || body.end !== bytes.length) return false
  const r = derBody(bytes, body.start, 0x02)
  const s = r === undefined ? undefined : derBody(bytes, r.end, 0x02)
  return r !== undefined && s !== undefined && r.end > r.start && s.end > s.start && s.end === bytes.length
}

function derBody(bytes: Uint8Array, at: number, tag: number): { start: number; end: number } | undefined {
  const first = bytes[at + 1]
  if (bytes[at] !== tag || first === undefined) return undefined
  const isLong = first === 0x81
  const start = at + (isLong ? 3 : 2)
  const length = isLong ? (bytes[at + 2] ?? 0) : first
  return length > 0xff || (!isLong && length > 0x7f) || start + length > bytes.length
    ? undefined
    : { start, end: start + length }
}
