import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, type KeyObject, randomFillSync } from 'node:crypto'
import { StorageError } from '../../errors/index.ts'
import { quoted } from './key.ts'

/**
 * One encrypted value: format (1 byte), term (4), nonce (12), ciphertext, tag (16); AES-256-GCM.
 *
 * Format, term and the key that it is stored at are bound to it: a value put at another key does not open.
 */
const FORMAT = 1
const HEAD_BYTES = 5
const NONCE_BYTES = 12
const TAG_BYTES = 16
const TEXT_AT = HEAD_BYTES + NONCE_BYTES

/** Bytes that a record has beyond its value. */
export const RECORD_OVERHEAD: number = TEXT_AT + TAG_BYTES

/** `value` as it is stored at `key`. */
export function sealRecord(secret: KeyObject, term: number, key: string, value: Uint8Array): Buffer {
  const record = Buffer.allocUnsafeSlow(RECORD_OVERHEAD + value.length)
  record[0] = FORMAT
  record.writeUInt32BE(term, 1)
  randomFillSync(record, HEAD_BYTES, NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', secret, record.subarray(HEAD_BYTES, TEXT_AT))
  cipher.setAAD(bound(record, key))
  record.set(cipher.update(value), TEXT_AT)
  cipher.final()
  record.set(cipher.getAuthTag(), TEXT_AT + value.length)
  return record
}

/**
 * The value of a record that was read at `key`.
 *
 * @param secretOf - Key of a term; `undefined` where there is none.
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_CORRUPT`: it is not, byte for byte, what was written at this key.
 */
export function openRecord(secretOf: (term: number) => KeyObject | undefined, key: string, bytes: Uint8Array): Buffer {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (record.length < RECORD_OVERHEAD) throw corrupt(key, 'is too short')
  if (record[0] !== FORMAT) throw corrupt(key, `has the unknown format ${record[0]}`)
  const term = record.readUInt32BE(1)
  const secret = secretOf(term)
  if (secret === undefined) throw corrupt(key, `was sealed in term ${term}, which is not in the key ring`)
  const cipher = createDecipheriv('aes-256-gcm', secret, record.subarray(HEAD_BYTES, TEXT_AT))
  cipher.setAAD(bound(record, key))
  cipher.setAuthTag(record.subarray(record.length - TAG_BYTES))
  const value = cipher.update(record.subarray(TEXT_AT, record.length - TAG_BYTES))
  try {
    cipher.final()
  } catch {
    // Nobody is to see what did not prove genuine, not in a heap dump either.
    value.fill(0)
    throw corrupt(key, 'was not written so at this key')
  }
  return value
}

function bound(record: Buffer, key: string): Buffer {
  return Buffer.concat([record.subarray(0, HEAD_BYTES), Buffer.from(key)])
}

/** The refusal of stored bytes. */
export function corrupt(key: string, what: string): StorageError {
  return new StorageError('ERR_PORTCULLIS_STORAGE_CORRUPT', `what is stored at ${quoted(key)} ${what}`)
}
