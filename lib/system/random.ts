import { randomBytes, randomUUID } from 'node:crypto'
import type { Random } from '../ports/random.ts'

/** The operating system's chance. */
export const systemRandom: Random = Object.freeze({
  fraction: () => Math.random(),
  uuid: () => randomUUID(),
  bytes: (length: number): Uint8Array => new Uint8Array(randomBytes(length)),
})
