import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto'
import { PluginRefusal } from '../../refusal.ts'
import { type KeyTraits, type KeyType, traitsOf } from './key-type.ts'
import type { StoredVersion } from './material.ts'

/** A key, as it is stored. */
export interface StoredKey {
  readonly name: string
  readonly type: KeyType
  /** Bytes, of HMAC keys; else 0. */
  readonly keySize: number
  readonly derived: boolean
  readonly convergent: boolean
  readonly exportable: boolean
  readonly allowPlaintextBackup: boolean
  readonly deletionAllowed: boolean
  /** 0: never. */
  readonly autoRotateSeconds: number
  readonly minDecryptionVersion: number
  /** 0: the latest one alone, unless one is named. */
  readonly minEncryptionVersion: number
  /** Versions below are gone for good; 0 where none was trimmed. */
  readonly minAvailableVersion: number
  readonly latestVersion: number
  /** By number. */
  readonly versions: Readonly<Record<string, StoredVersion>>
}

const MISSING_CONTEXT =
  "missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request information must be included in order to perform operations with the key"

/** A key in use: what is stored of it, and keys read from that when they are first asked for. */
export class TransitKey {
  readonly stored: StoredKey
  readonly traits: KeyTraits
  readonly #privateKeys = new Map<number, KeyObject>()

  constructor(stored: StoredKey) {
    this.stored = stored
    this.traits = traitsOf(stored.type)
  }

  /** @throws {PluginRefusal} it is trimmed, or too old to be used. */
  version(number: number): StoredVersion {
    const version = this.stored.versions[String(number)]
    if (version === undefined || number < this.stored.minDecryptionVersion)
      throw new PluginRefusal('no such key version')
    return version
  }

  /** Bytes of a symmetric key or seed, for `context` where the key is a derived one. @throws {PluginRefusal} it is missing. */
  secret(number: number, context: Uint8Array | undefined): Buffer {
    const secret = Buffer.from(this.version(number).material, 'base64')
    if (!this.stored.derived) return secret
    if (context === undefined || context.length === 0) throw new PluginRefusal(MISSING_CONTEXT)
    return Buffer.from(hkdfSync('sha256', secret, '', context, this.traits.bytes))
  }

  hmacKey(number: number): Buffer {
    return Buffer.from(this.version(number).hmacKey, 'base64')
  }

  /** The private key of a pair; one for each context where the key is a derived one. */
  privateKey(number: number, context?: Uint8Array): KeyObject {
    if (this.stored.type === 'ed25519') {
      if (this.stored.derived) return ed25519Key(this.secret(number, context))
      return this.#kept(number, () => ed25519Key(this.secret(number, undefined)))
    }
    const { material } = this.version(number)
    return this.#kept(number, () =>
      createPrivateKey({ key: Buffer.from(material, 'base64'), format: 'der', type: 'pkcs8' }),
    )
  }

  #kept(number: number, read: () => KeyObject): KeyObject {
    const kept = this.#privateKeys.get(number) ?? read()
    this.#privateKeys.set(number, kept)
    return kept
  }
}

/** What PKCS #8 has before the seed of an Ed25519 key. */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The key of a seed of 32 bytes. */
export function ed25519Key(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([ED25519_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}

/** A public key as the servers show it: PEM, and base64 of its 32 bytes for Ed25519. */
export function publicText(privateKey: KeyObject): string {
  const key = createPublicKey(privateKey)
  if (key.asymmetricKeyType !== 'ed25519') return String(key.export({ type: 'spki', format: 'pem' }))
  return key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
}
