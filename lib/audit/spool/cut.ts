import { hashOf, type Position } from '../chain/link.ts'
import { readSuffix } from '../chain/suffix.ts'

/** A line that cannot be shipped. */
export interface Unusable {
  /** Without newline. */
  readonly line: Buffer
  readonly why: 'no line of a chain' | 'changed after it was written' | 'no audit entry'
}

/** Lines of a segment, read. */
export interface Cut<T> {
  readonly entries: readonly T[]
  readonly unusable: readonly Unusable[]
  /** Bytes of whole lines that were read; 0: no line ends in the text. */
  readonly bytes: number
  /** The last line; `undefined`: not known. */
  readonly position: Position | undefined
  /** Lines of the chain that should stand here and do not. */
  readonly missing: number
}

export interface CutOptions<T> {
  /** The line before; `undefined`: not known. */
  readonly after: Position | undefined
  /** Lines that are taken at most. */
  readonly maxLines: number
  /** What a line tells, as it will be exported. @throws for what is no audit entry. */
  readonly parse: (text: string) => T
}

const NEWLINE = 0x0a

/** Reads whole lines from the beginning of `text`. What cannot be read stops nothing. */
export function cut<T>(text: Buffer, { after, maxLines, parse }: CutOptions<T>): Cut<T> {
  const entries: T[] = []
  const unusable: Unusable[] = []
  let position = after
  let missing = 0
  let start = 0
  for (let lines = 0; lines < maxLines; lines++) {
    const end = text.indexOf(NEWLINE, start)
    if (end === -1) break
    const line = text.subarray(start, end)
    start = end + 1
    const read = readLine(line, parse)
    if (read.unusable !== undefined) unusable.push(read.unusable)
    else entries.push(read.entry)
    if (read.position !== undefined && position !== undefined) missing += Math.max(0, read.position.n - position.n - 1)
    // It stands for one of the chain.
    position = read.position ?? (position === undefined ? undefined : { ...position, n: position.n + 1 })
  }
  return { entries, unusable, bytes: start, position, missing }
}

type Read<T> =
  | { readonly entry: T; readonly unusable?: undefined; readonly position: Position }
  | { readonly unusable: Unusable; readonly position: Position | undefined }

function readLine<T>(line: Buffer, parse: (text: string) => T): Read<T> {
  const suffix = readSuffix(line)
  if (suffix === undefined) return { unusable: { line, why: 'no line of a chain' }, position: undefined }
  if (hashOf(line.subarray(0, suffix.covered)) !== suffix.hash)
    return { unusable: { line, why: 'changed after it was written' }, position: undefined }
  const position = { n: suffix.n, hash: suffix.hash }
  try {
    return { entry: parse(line.toString('utf8')), position }
  } catch {
    return { unusable: { line, why: 'no audit entry' }, position }
  }
}
