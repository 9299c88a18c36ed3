import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { StorageError } from '../../errors/index.ts'
import { type Sealed, unseal } from '../../model/sealed.ts'
import { decodeKeyRing, encodeKeyRing, type KeyRing } from './key-ring.ts'
import { corrupt } from './record.ts'

/** Where the sealed ring lies, below the barrier. */
export const KEY_RING_KEY = 'barrier/key-ring'

/** What is made of a root key; the key itself is not kept. */
export interface RingSeal {
  readonly secret: KeyObject
  /** Tells one root key from another, and nothing about either. */
  readonly id: Buffer
}

/** A sealed ring: format (1 byte), id of the root key (16), nonce (12), ciphertext, tag (16). */
const FORMAT = 1
const ID_BYTES = 16
const NONCE_AT = 1 + ID_BYTES
const TEXT_AT = NONCE_AT + 12
const TAG_BYTES = 16

/** Bytes of a root key. */
export const ROOT_KEY_BYTES = 32

/** @param rootKey - 32 bytes, which are overwritten. @throws {StorageError} `ERR_PORTCULLIS_STORAGE_KEY`: it has another size. */
export function createRingSeal(rootKey: Sealed<Uint8Array>): RingSeal {
  const clear = unseal(rootKey)
  if (clear.length !== ROOT_KEY_BYTES) {
    const message = `the root key must have ${ROOT_KEY_BYTES} bytes, it has ${clear.length}`
    throw new StorageError('ERR_PORTCULLIS_STORAGE_KEY', message)
  }
  const derive = (use: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', clear, '', `portcullis storage ${use}`, length))
  const secret = derive('key ring', 32)
  const seal = { secret: createSecretKey(secret), id: derive('root key id', ID_BYTES) }
  secret.fill(0)
  clear.fill(0)
  return seal
}

/** `ring` as it is stored. */
export function sealKeyRing({ secret, id }: RingSeal, ring: KeyRing): Buffer {
  const clear = encodeKeyRing(ring)
  const nonce = randomBytes(TEXT_AT - NONCE_AT)
  const cipher = createCipheriv('aes-256-gcm', secret, nonce)
  cipher.setAAD(BOUND)
  const text = cipher.update(clear)
  cipher.final()
  clear.fill(0)
  return Buffer.concat([Buffer.of(FORMAT), id, nonce, text, cipher.getAuthTag()])
}

/**
 * The ring out of what is stored.
 *
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_KEY`: it was sealed with another root key.
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_CORRUPT`: it was sealed with this one, and is not what was written.
 */
export function openKeyRing({ secret, id }: RingSeal, bytes: Uint8Array): KeyRing {
  const record = Buffer.from(bytes)
  if (record.length < TEXT_AT + TAG_BYTES) throw corrupt(KEY_RING_KEY, 'is too short')
  if (record[0] !== FORMAT) throw corrupt(KEY_RING_KEY, `has the unknown format ${record[0]}`)
  const isOurs = record.subarray(1, NONCE_AT).equals(id)
  const clear = decrypted(secret, record)
  if (clear === undefined && !isOurs) {
    throw new StorageError('ERR_PORTCULLIS_STORAGE_KEY', 'the storage was sealed with another root key')
  }
  // An id that was changed beneath a seal that holds: the root key is right, the record is not.
  if (clear === undefined || !isOurs) throw corrupt(KEY_RING_KEY, 'was not written so')
  const ring = decodeKeyRing(clear)
  clear.fill(0)
  if (ring === undefined) throw corrupt(KEY_RING_KEY, 'holds no key ring')
  return ring
}

const BOUND = Buffer.concat([Buffer.of(FORMAT), Buffer.from(KEY_RING_KEY)])

function decrypted(secret: KeyObject, record: Buffer): Buffer | undefined {
  const end = record.length - TAG_BYTES
  const cipher = createDecipheriv('aes-256-gcm', secret, record.subarray(NONCE_AT, TEXT_AT))
  cipher.setAAD(BOUND)
  cipher.setAuthTag(record.subarray(end))
  const clear = cipher.update(record.subarray(TEXT_AT, end))
  try {
    cipher.final()
    return clear
  } catch {
    return undefined
  }
}
