import { hash } from 'node:crypto'

/** A place in a chain: the number of its last line, and that line's hash. */
export interface Position {
  /** Lines before and including it, from 1; 0 before the first. */
  readonly n: number
  /** SHA-256 of the line, 64 hex digits; zeros before the first. */
  readonly hash: string
}

/** What a line says beside its place. */
export interface Marks {
  /** Nothing stands before it in its file. */
  readonly isFirst?: boolean
  /** Hash of the torn text between it and the line before, see {@link hashOf}. */
  readonly torn?: string | undefined
}

/** A line with its place in the chain. */
export interface Linked extends Position {
  /** Without newline. */
  readonly line: string
}

/** Before the first line of a chain. */
export const CHAIN_START: Position = Object.freeze({ n: 0, hash: '0'.repeat(64) })

/** SHA-256, 64 hex digits. */
export function hashOf(text: string | Uint8Array): string {
  return hash('sha256', text, 'hex')
}

/**
 * `line` as the next one of a chain.
 *
 * `,"chain":{"n":…,"prev":…,"hash":…}` is put at the end of the object. `prev` is the hash of the line before; `hash` is that of
 * this line up to `,"hash"`, so that a line that was changed is named itself, also where no other follows.
 * In a chained file `"first":true` marks the line that begins the file, and `torn` holds the hash of text that a killed
 * process or a full disk left between two lines.
 *
 * @param line - A JSON object that is not empty, on one line.
 * @throws {TypeError} `line` does not end as such an object does.
 */
export function link(line: string, after: Position, { isFirst = false, torn }: Marks = {}): Linked {
  if (!line.endsWith('}') || line === '{}')
    throw new TypeError('a line of a chain must be a JSON object that is not empty')
  const n = after.n + 1
  const marks = `${isFirst ? ',"first":true' : ''}${torn === undefined ? '' : `,"torn":"${torn}"`}`
  const covered = `${line.slice(0, -1)},"chain":{"n":${n},"prev":"${after.hash}"${marks}`
  const hash = hashOf(covered)
  return { line: `${covered},"hash":"${hash}"}}`, n, hash }
}
