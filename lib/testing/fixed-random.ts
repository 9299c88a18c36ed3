import type { Random } from '../ports/random.ts'

/**
 * A {@link Random} that gives the same values in every run; the seed picks which.
 *
 * Its bytes are no secrets: for tests alone.
 *
 * @param seed - Any whole number; other seeds give other values.
 */
export function fixedRandom(seed = 1): Random {
  const next = mulberry32(seed)
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => Math.floor(next() * 256))
  return { fraction: next, bytes, uuid: () => uuidOf(bytes(16)) }
}

/** Mulberry32: 32 bits of state are enough for jitter in tests. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Bytes in the form of a version 4 UUID. */
function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
}
