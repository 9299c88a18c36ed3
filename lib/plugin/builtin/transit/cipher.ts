import { Buffer } from 'node:buffer'
import {
  type CipherGCMTypes,
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import { PluginRefusal } from '../../refusal.ts'
import { failed } from './failure.ts'
import type { TransitKey } from './key.ts'
import { readVersioned, versionedText, versionToUse } from './versioned.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }

/** What a message is bound to. */
export interface Binding {
  /** For derived keys. */
  readonly context: Uint8Array | undefined
  /** Authenticated with the message; empty for none. */
  readonly associatedData: Uint8Array
}

/** What encrypting yields. */
export interface Encrypted {
  readonly ciphertext: string
  readonly version: number
}

/**
 * Encrypts `plaintext`: `vault:v1:` and base64 of nonce (12 bytes), ciphertext and tag (16 bytes), or of RSA-OAEP with SHA-256.
 *
 * @param askedVersion - 0 for the latest.
 * @throws {PluginRefusal}
 */
export function encrypt(key: TransitKey, plaintext: Uint8Array, binding: Binding, askedVersion: number): Encrypted {
  if (!key.traits.encrypts) throw new PluginRefusal(`message encryption not supported for key type ${key.stored.type}`)
  const version = versionToUse(askedVersion, key.stored, 'encryption', (text) => new PluginRefusal(text))
  const { cipher } = key.traits
  const bytes =
    cipher === undefined
      ? encryptRsa(key, version, plaintext)
      : encryptSymmetric(key, cipher, version, plaintext, binding)
  return { ciphertext: versionedText(version, bytes.toString('base64')), version }
}

function encryptSymmetric(
  key: TransitKey,
  name: string,
  version: number,
  plaintext: Uint8Array,
  binding: Binding,
): Buffer {
  const secret = key.secret(version, binding.context)
  const nonce = key.stored.convergent
    ? convergentNonce(key, version, secret, plaintext, binding)
    : randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(name as CipherGCMTypes, secret, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(binding.associatedData)
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/**
 * The same message gets the same nonce, and so the same ciphertext; any other message another one.
 *
 * Associated data counts too: one nonce for two of them would give the authentication key away.
 */
function convergentNonce(
  key: TransitKey,
  version: number,
  secret: Uint8Array,
  plaintext: Uint8Array,
  { associatedData }: Binding,
): Buffer {
  const own = createHmac('sha256', key.hmacKey(version)).update(secret).digest()
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(associatedData.length))
  const mac = createHmac('sha256', own).update(length).update(associatedData).update(plaintext)
  return mac.digest().subarray(0, NONCE_BYTES)
}

function encryptRsa(key: TransitKey, version: number, plaintext: Uint8Array): Buffer {
  try {
    return publicEncrypt({ key: createPublicKey(key.privateKey(version)), ...OAEP }, plaintext)
  } catch (error) {
    if (error instanceof PluginRefusal) throw error
    throw failed('failed to RSA encrypt the plaintext: crypto/rsa: message too long for RSA key size')
  }
}

/** The other way. @throws {PluginRefusal} it is no ciphertext of this key, context and associated data. */
export function decrypt(key: TransitKey, ciphertext: string, binding: Binding): Buffer {
  const { stored, traits } = key
  if (!traits.encrypts) throw new PluginRefusal(`message decryption not supported for key type ${stored.type}`)
  const { version, text } = readVersioned(ciphertext, stored, { what: 'ciphertext' })
  const bytes = ciphertextBytes(text)
  if (traits.cipher === undefined) return decryptRsa(key, version, bytes)
  const secret = key.secret(version, binding.context)
  if (bytes.length < NONCE_BYTES) throw new PluginRefusal('invalid ciphertext length')
  const why = traits.cipher === 'chacha20-poly1305' ? 'chacha20poly1305' : 'cipher'
  try {
    return opened(traits.cipher, secret, bytes, binding.associatedData)
  } catch {
    throw new PluginRefusal(`${why}: message authentication failed`)
  }
}

function ciphertextBytes(text: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
    throw new PluginRefusal('invalid ciphertext: could not decode base64')
  return Buffer.from(text, 'base64')
}

function opened(name: string, secret: Uint8Array, bytes: Buffer, associatedData: Uint8Array): Buffer {
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(name as CipherGCMTypes, secret, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associatedData)
  decipher.setAuthTag(bytes.subarray(Math.max(NONCE_BYTES, bytes.length - TAG_BYTES)))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
}

function decryptRsa(key: TransitKey, version: number, bytes: Uint8Array): Buffer {
  try {
    return privateDecrypt({ key: key.privateKey(version), ...OAEP }, bytes)
  } catch (error) {
    if (error instanceof PluginRefusal) throw error
    throw failed('failed to RSA decrypt the ciphertext: crypto/rsa: decryption error')
  }
}
