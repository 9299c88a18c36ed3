import { Buffer } from 'node:buffer'
import type { StoreChange } from '../../../lib/ports/store.ts'

/** Writers of one key each. */
export const SINGLES = 24
/** Writers of {@link GROUP} keys each, in one write. */
export const GROUPS = 12
export const GROUP = 4
/** Between two kills; a writer counts on from `round * ROUND`. */
export const ROUND = 1_000_000

/** The writers: those of one key and those of several. */
export function writers(): readonly string[] {
  return [
    ...Array.from({ length: SINGLES }, (_, index) => `s/${index}`),
    ...Array.from({ length: GROUPS }, (_, index) => `g/${index}`),
  ]
}

/** What a writer writes as its `sequence`th write: every so often it deletes. */
export function changesOf(writer: string, sequence: number): readonly StoreChange[] {
  return keysOf(writer).map((key) => ({ key, value: sequence % 7 === 6 ? undefined : contentOf(key, sequence) }))
}

/** The keys of a writer. */
export function keysOf(writer: string): readonly string[] {
  return writer.startsWith('s/') ? [writer] : Array.from({ length: GROUP }, (_, index) => `${writer}/${index}`)
}

/** Told by its own bytes from any other value, also where it is torn: length, start, end and middle go by its number. */
function contentOf(key: string, sequence: number): Buffer {
  const unit = Buffer.from(`${key}=${sequence};`)
  return Buffer.alloc(unit.length * (1 + ((sequence * 37) % (sequence % 50 === 0 ? 3000 : 60))), unit)
}
