import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { hashOf, type Position } from './link.ts'

/**
 * A signed statement that a chain had come to a place.
 *
 * It stands in the file, and is worth most where it is kept elsewhere: what is cut from the end of a file is
 * found against it alone.
 */
export interface Checkpoint extends Position {
  readonly type: 'checkpoint'
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string
  /** Process that wrote it. */
  readonly instance: string
  /** SHA-256 of the public key (SPKI, DER), hex. */
  readonly key_id: string
  /** Ed25519, base64. */
  readonly signature: string
}

/** Signs checkpoints with one key. */
export interface Signer {
  readonly keyId: string
  sign(at: Position, time: string, instance: string): Checkpoint
}

/** @throws {TypeError} `key` is no private key of Ed25519. */
export function createSigner(key: KeyObject): Signer {
  if (key.type !== 'private' || key.asymmetricKeyType !== 'ed25519')
    throw new TypeError('the key of checkpoints must be a private key of Ed25519')
  const keyId = keyIdOf(key)
  return {
    keyId,
    sign({ n, hash }, time, instance) {
      const said = { time, instance, n, hash, key_id: keyId }
      return { type: 'checkpoint', ...said, signature: sign(null, signedText(said), key).toString('base64') }
    },
  }
}

/** SHA-256 of the public half. */
export function keyIdOf(key: KeyObject): string {
  const open = key.type === 'public' ? key : createPublicKey(key)
  return hashOf(open.export({ type: 'spki', format: 'der' }))
}

/** Was `checkpoint` signed with the private half of `key`, whose id it bears? */
export function isSignedBy(checkpoint: Checkpoint, key: KeyObject): boolean {
  return verify(null, signedText(checkpoint), key, Buffer.from(checkpoint.signature, 'base64'))
}

/** The checkpoint in a line; `undefined` where it holds none. */
export function readCheckpoint(line: string): Checkpoint | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  return isCheckpoint(value) ? value : undefined
}

function isCheckpoint(value: unknown): value is Checkpoint {
  if (typeof value !== 'object' || value === null) return false
  const { type, time, instance, n, hash, key_id, signature } = value as Record<string, unknown>
  const texts = [time, instance, key_id, signature].every((text) => typeof text === 'string')
  return type === 'checkpoint' && texts && Number.isSafeInteger(n) && typeof hash === 'string' && HASH.test(hash)
}

const HASH = /^[0-9a-f]{64}$/

/** What is signed: JSON of these six, in this order, without spaces. */
function signedText({ time, instance, n, hash, key_id }: Omit<Checkpoint, 'type' | 'signature'>): Buffer {
  return Buffer.from(JSON.stringify({ type: 'checkpoint', time, instance, n, hash, key_id }))
}
