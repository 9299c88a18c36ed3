import { CHAIN_START, hashOf, type Position } from '../chain/link.ts'

/** How far a spool has been shipped. */
export interface Cursor {
  /** Number of the segment; 0 before the first. All segments before it are shipped. */
  readonly segment: number
  /** Bytes of the segment that are shipped. */
  readonly offset: number
  /** The last line that was shipped. */
  readonly position: Position
}

/** A cursor that was written, and the how manieth writing it was. */
export interface WrittenCursor {
  readonly cursor: Cursor
  readonly writing: number
}

export const CURSOR_START: Cursor = Object.freeze({ segment: 0, offset: 0, position: CHAIN_START })

/** A slot is a page, so that a write that is torn reaches into no other. */
export const SLOT_BYTES = 4096
const SLOTS = 2
/** Size of a file of cursors; it never changes, so that a full disk does not stop the cursor. */
export const CURSOR_FILE_BYTES: number = SLOT_BYTES * SLOTS

const HASH_DIGITS = 64

/** The slot for `cursor`, to be written at {@link slotOffset}. */
export function encodeCursor({ cursor, writing }: WrittenCursor): Buffer {
  const { segment, offset, position } = cursor
  const text = JSON.stringify({ writing, segment, offset, n: position.n, hash: position.hash })
  return Buffer.from(`${hashOf(text)} ${text}`.padEnd(SLOT_BYTES - 1).concat('\n'))
}

/** Writings take turns, so that the one before is whole while one is under way. */
export function slotOffset(writing: number): number {
  return (writing % SLOTS) * SLOT_BYTES
}

/** The latest cursor that is whole; `undefined` where none is. */
export function decodeCursor(file: Buffer): WrittenCursor | undefined {
  const slots = Array.from({ length: SLOTS }, (_, slot) => decodeSlot(file, slot * SLOT_BYTES))
  return slots.reduce((latest, slot) => (slot !== undefined && slot.writing > (latest?.writing ?? -1) ? slot : latest))
}

function decodeSlot(file: Buffer, start: number): WrittenCursor | undefined {
  const slot = file.toString('utf8', start, start + SLOT_BYTES).trimEnd()
  const text = slot.slice(HASH_DIGITS + 1)
  if (text === '' || slot.slice(0, HASH_DIGITS) !== hashOf(text)) return undefined
  const { writing, segment, offset, n, hash } = JSON.parse(text) as Record<string, unknown>
  if (![writing, segment, offset, n].every(isCount) || typeof hash !== 'string') return undefined
  const cursor = { segment: Number(segment), offset: Number(offset), position: { n: Number(n), hash } }
  return { cursor, writing: Number(writing) }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
