import { Buffer } from 'node:buffer'
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'

/** One key of the ring, and when it came. */
export interface Term {
  /** From 1 on. */
  readonly number: number
  readonly createdAtMs: number
  readonly secret: KeyObject
}

/**
 * The keys that values are encrypted with. Only the newest encrypts; the others open what was written in their time.
 *
 * A value of its own: what changes it gives another ring, which counts once it is stored.
 */
export interface KeyRing {
  /** One more with every change: two records that should belong together show by it whether they do. */
  readonly generation: number
  /** Writes that may have been made in the newest term: no more have, whatever was killed. */
  readonly reservedWrites: number
  readonly terms: ReadonlyMap<number, Term>
  readonly active: Term
}

const KEY_BYTES = 32
const HEAD_BYTES = 12
const TERM_BYTES = 10 + KEY_BYTES
const MAX_TERMS = 0xffff

/** A ring with one new key. */
export function createKeyRing(nowMs: number, reservedWrites: number): KeyRing {
  return ringOf(1, reservedWrites, [newTerm(1, nowMs)])
}

/** `ring` with a new key, which encrypts from then on. @throws {RangeError} it has 65535 terms. */
export function withNewTerm(ring: KeyRing, nowMs: number, reservedWrites: number): KeyRing {
  if (ring.terms.size >= MAX_TERMS) throw new RangeError(`a key ring holds ${MAX_TERMS} terms at most`)
  const terms = [...ring.terms.values(), newTerm(ring.active.number + 1, nowMs)]
  return ringOf(ring.generation + 1, reservedWrites, terms)
}

/** `ring` with so many writes reserved; as it is where none are told. */
export function withReserved(ring: KeyRing, reservedWrites: number = ring.reservedWrites): KeyRing {
  return { ...ring, generation: ring.generation + 1, reservedWrites }
}

/** The ring as bytes, keys in the clear: to be sealed, and overwritten, at once. */
export function encodeKeyRing(ring: KeyRing): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + ring.terms.size * TERM_BYTES)
  bytes.writeUInt32BE(ring.generation, 0)
  bytes.writeUIntBE(ring.reservedWrites, 4, 6)
  bytes.writeUInt16BE(ring.terms.size, 10)
  let at = HEAD_BYTES
  for (const { number, createdAtMs, secret } of ring.terms.values()) {
    bytes.writeUInt32BE(number, at)
    bytes.writeUIntBE(createdAtMs, at + 4, 6)
    const clear = secret.export()
    bytes.set(clear, at + 10)
    clear.fill(0)
    at += TERM_BYTES
  }
  return bytes
}

/** The ring of {@link encodeKeyRing}; `undefined` where the bytes are none. */
export function decodeKeyRing(bytes: Buffer): KeyRing | undefined {
  if (bytes.length < HEAD_BYTES + TERM_BYTES) return undefined
  if (bytes.length !== HEAD_BYTES + bytes.readUInt16BE(10) * TERM_BYTES) return undefined
  const terms: Term[] = []
  for (let at = HEAD_BYTES; at < bytes.length; at += TERM_BYTES) {
    terms.push({
      number: bytes.readUInt32BE(at),
      createdAtMs: bytes.readUIntBE(at + 4, 6),
      secret: createSecretKey(bytes.subarray(at + 10, at + TERM_BYTES)),
    })
  }
  return ringOf(bytes.readUInt32BE(0), bytes.readUIntBE(4, 6), terms)
}

function ringOf(generation: number, reservedWrites: number, terms: readonly Term[]): KeyRing {
  const active = terms.at(-1)
  if (active === undefined) throw new RangeError('a key ring holds at least one term')
  return { generation, reservedWrites, terms: new Map(terms.map((term) => [term.number, term])), active }
}

function newTerm(number: number, createdAtMs: number): Term {
  const clear = randomBytes(KEY_BYTES)
  const secret = createSecretKey(clear)
  clear.fill(0)
  return { number, createdAtMs, secret }
}
