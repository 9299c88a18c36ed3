import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { type Context, dueOfSpan } from './context.ts'
import { refuse } from './refusal.ts'
import type { TokenRecord } from './token.ts'

/** A batch token that was opened: what it is, and when it ends. */
export interface OpenedBatch {
  readonly record: TokenRecord
  /** Reading of the monotonic clock; `Infinity` without end. */
  readonly dueMs: number
}

/** Batch tokens: nothing of them is stored; they carry their own record, encrypted by the host. */
export interface BatchTokens {
  /** @throws {Refusal} 400: the record is too large for a token. */
  seal(record: TokenRecord): OpenedBatch & { readonly value: string }
  /** `undefined` for what this host did not make. */
  open(token: string): OpenedBatch | undefined
}

/** What stands in a token. */
interface Contents {
  readonly record: TokenRecord
  /** The run of the host that made it, and its end by the monotonic clock of that run; `null` without end. */
  readonly run: string
  readonly dueMs: number | null
}

const KEY = 'core/batch-key'
const PREFIX = 'b.'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Longer ones are none of ours. */
const MAX_LENGTH = 16_384

/** Reads or makes the key. */
export async function createBatchTokens({ documents, random, clock }: Context): Promise<BatchTokens> {
  const stored = await documents.get<{ readonly key: string }>(KEY)
  const key = stored === undefined ? Buffer.from(random.bytes(32)) : Buffer.from(stored.key, 'base64')
  if (stored === undefined) await documents.put(KEY, { key: key.toString('base64') })
  const run = random.uuid()
  const dueOf = createDueOf(clock, run)
  return {
    seal(record) {
      const dueMs = dueOfSpan(clock, record)
      const contents: Contents = { record, run, dueMs: dueMs === Infinity ? null : dueMs }
      const value = PREFIX + encrypted(key, Buffer.from(random.bytes(NONCE_BYTES)), JSON.stringify(contents))
      if (value.length > MAX_LENGTH) throw refuse(400, 'the metadata is too large for a batch token')
      return { record, dueMs, value }
    },
    open(token) {
      const text = token.startsWith(PREFIX) && token.length <= MAX_LENGTH ? token.slice(PREFIX.length) : ''
      const bytes = Buffer.from(text, 'base64url')
      // One token, one spelling: by its hash it is told from others.
      if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== text) return undefined
      const contents = decrypted(key, bytes)
      return contents === undefined ? undefined : { record: contents.record, dueMs: dueOf(contents) }
    },
  }
}

/**
 * When a token ends. One of this run by the monotonic clock, which nobody can set. Of an earlier run only the wall clock
 * knows; it may be behind, but not go back any more, and what was there when the host started has no more time than it
 * was granted then.
 */
function createDueOf(clock: Context['clock'], run: string): (contents: Contents) => number {
  const startedAtMs = clock.now()
  const startedAtWallMs = clock.wallTime()
  return (contents) => {
    if (contents.run === run) return contents.dueMs ?? Infinity
    const { issuedAtMs, expiresAtMs } = contents.record
    if (expiresAtMs === null) return Infinity
    const wallMs = Math.max(clock.wallTime(), startedAtWallMs + clock.now() - startedAtMs)
    return Math.min(clock.now() + expiresAtMs - wallMs, startedAtMs + expiresAtMs - issuedAtMs)
  }
}

function encrypted(key: Buffer, nonce: Buffer, text: string): string {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const bytes = Buffer.concat([cipher.update(text), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), bytes]).toString('base64url')
}

function decrypted(key: Buffer, bytes: Buffer): Contents | undefined {
  try {
    const options = { authTagLength: TAG_BYTES }
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), options)
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
    return JSON.parse(text.toString('utf8')) as Contents
  } catch {
    return undefined
  }
}
