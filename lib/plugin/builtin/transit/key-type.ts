import { PluginRefusal } from '../../refusal.ts'

/** What keys of a type can do, and how they are made. */
export interface KeyTraits {
  readonly encrypts: boolean
  readonly signs: boolean
  /** Can a key for one context be derived from it? */
  readonly derives: boolean
  /** Name of the cipher in `node:crypto`; for symmetric ciphers alone. */
  readonly cipher?: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'
  /** Bytes of the secret; 0 where there is a pair of keys, or the caller says how many. */
  readonly bytes: number
  /** Name of the curve in `node:crypto`. */
  readonly curve?: string
  /** What the key of a pair is called when it is shown. */
  readonly shownAs?: string
  /** Bits of an RSA modulus. */
  readonly modulus?: number
}

/** A type of key. */
export type KeyType =
  | 'aes128-gcm96'
  | 'aes256-gcm96'
  | 'chacha20-poly1305'
  | 'ed25519'
  | 'ecdsa-p256'
  | 'ecdsa-p384'
  | 'ecdsa-p521'
  | 'rsa-2048'
  | 'rsa-3072'
  | 'rsa-4096'
  | 'hmac'

const SYMMETRIC = { encrypts: true, signs: false, derives: true }
const CURVE = { encrypts: false, signs: true, derives: false, bytes: 0 }
const RSA = { encrypts: true, signs: true, derives: false, bytes: 0 }

const TYPES: Readonly<Record<KeyType, KeyTraits>> = {
  'aes128-gcm96': { ...SYMMETRIC, cipher: 'aes-128-gcm', bytes: 16 },
  'aes256-gcm96': { ...SYMMETRIC, cipher: 'aes-256-gcm', bytes: 32 },
  'chacha20-poly1305': { ...SYMMETRIC, cipher: 'chacha20-poly1305', bytes: 32 },
  ed25519: { encrypts: false, signs: true, derives: true, bytes: 32, shownAs: 'ed25519' },
  'ecdsa-p256': { ...CURVE, curve: 'P-256', shownAs: 'P-256' },
  'ecdsa-p384': { ...CURVE, curve: 'P-384', shownAs: 'P-384' },
  'ecdsa-p521': { ...CURVE, curve: 'P-521', shownAs: 'P-521' },
  'rsa-2048': { ...RSA, modulus: 2_048, shownAs: 'rsa-2048' },
  'rsa-3072': { ...RSA, modulus: 3_072, shownAs: 'rsa-3072' },
  'rsa-4096': { ...RSA, modulus: 4_096, shownAs: 'rsa-4096' },
  hmac: { encrypts: false, signs: false, derives: false, bytes: 0 },
}

export function traitsOf(type: KeyType): KeyTraits {
  return TYPES[type]
}

/** @throws {PluginRefusal} there is no such type here. */
export function keyTypeOf(text: string): KeyType {
  if (Object.hasOwn(TYPES, text)) return text as KeyType
  throw new PluginRefusal(`unknown key type ${text}`)
}
