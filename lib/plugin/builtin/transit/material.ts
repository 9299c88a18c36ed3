import { Buffer } from 'node:buffer'
import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { type KeyType, traitsOf } from './key-type.ts'

/** One version of a key, as it is stored: below the barrier of the mount, in plain. */
export interface StoredVersion {
  /** ISO 8601. */
  readonly createdAt: string
  /** Base64: bytes of a symmetric key, the seed of an ed25519 key, PKCS #8 of an EC or RSA key. */
  readonly material: string
  /** Base64: what HMACs are made with. */
  readonly hmacKey: string
}

const HMAC_BYTES = 32
const generatePair = promisify(generateKeyPair)

/** Makes a new version. @param keySize - Bytes; of an HMAC key alone. */
export async function generateVersion(type: KeyType, keySize: number, nowMs: number): Promise<StoredVersion> {
  const { bytes, curve, modulus } = traitsOf(type)
  const createdAt = new Date(nowMs).toISOString()
  const hmacKey = randomBytes(type === 'hmac' ? keySize : HMAC_BYTES).toString('base64')
  if (type === 'hmac') return { createdAt, material: hmacKey, hmacKey }
  if (bytes > 0) return { createdAt, material: randomBytes(bytes).toString('base64'), hmacKey }
  const { privateKey } = await (curve === undefined
    ? generatePair('rsa', { modulusLength: modulus ?? 0 })
    : generatePair('ec', { namedCurve: curve }))
  return { createdAt, material: pkcs8(privateKey), hmacKey }
}

function pkcs8(key: KeyObject): string {
  return Buffer.from(key.export({ type: 'pkcs8', format: 'der' })).toString('base64')
}
