import type { Position } from './link.ts'

/** What a line says of its place in the chain; it may lie. */
export interface Suffix extends Position {
  readonly prev: string
  readonly isFirst: boolean
  readonly torn: string | undefined
  /** Bytes of the line that `hash` covers. */
  readonly covered: number
}

/** Bytes of the longest suffix: number of 16 digits, three hashes, the mark. */
const LONGEST = 288
/** Bytes of `,"hash":"…"}}`. */
const HASH_BYTES = 76
const SUFFIX =
  /,"chain":\{"n":([1-9]\d{0,14}),"prev":"([0-9a-f]{64})"(,"first":true)?(?:,"torn":"([0-9a-f]{64})")?,"hash":"([0-9a-f]{64})"\}\}$/

/** The end of a line; `undefined` where it is none of a chain. Nothing else of the line is looked at. */
export function readSuffix(line: Buffer): Suffix | undefined {
  const match = SUFFIX.exec(line.toString('latin1', Math.max(0, line.length - LONGEST)))
  if (match === null) return undefined
  const [, n = '', prev = '', first, torn, hash = ''] = match
  return { n: Number(n), prev, isFirst: first !== undefined, torn, hash, covered: line.length - HASH_BYTES }
}
