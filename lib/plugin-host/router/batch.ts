import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Random } from '../../ports/random.ts'
import type { Documents } from './documents.ts'
import type { TokenRecord } from './token.ts'

/** Batch tokens: nothing of them is stored; they carry their own record, encrypted by the host. */
export interface BatchTokens {
  seal(record: TokenRecord): string
  /** `undefined` for what this host did not make. */
  open(token: string): TokenRecord | undefined
}

const KEY = 'core/batch-key'
const PREFIX = 'b.'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Longer ones are none of ours. */
const MAX_LENGTH = 16_384

/** Reads or makes the key. */
export async function createBatchTokens(documents: Documents, random: Random): Promise<BatchTokens> {
  const stored = await documents.get<{ readonly key: string }>(KEY)
  const key = stored === undefined ? Buffer.from(random.bytes(32)) : Buffer.from(stored.key, 'base64')
  if (stored === undefined) await documents.put(KEY, { key: key.toString('base64') })
  return {
    seal(record): string {
      const nonce = random.bytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const text = Buffer.concat([cipher.update(JSON.stringify(record)), cipher.final()])
      return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
    },
    open(token): TokenRecord | undefined {
      if (!token.startsWith(PREFIX) || token.length > MAX_LENGTH) return undefined
      const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url')
      if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        })
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
        return JSON.parse(text.toString('utf8')) as TokenRecord
      } catch {
        return undefined
      }
    },
  }
}
