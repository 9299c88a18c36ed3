import type { Cursor } from '../../audit/spool/cursor.ts'
import { type Cut, cut, type Unusable } from '../../audit/spool/cut.ts'
import type { Batch, Source } from '../../audit/spool/shipper.ts'
import { setAside } from './folder.ts'
import { readAt } from './segment.ts'
import type { Segment, SpoolStore } from './store.ts'

/** Bytes that are read in one go. */
const READ_BYTES = 1024 * 1024
/** Longest line. */
const MAX_LINE_BYTES = 64 * 1024 * 1024
/** Bytes of lines that are kept although they cannot be shipped. */
const MAX_SET_ASIDE_BYTES = 16 * 1024 * 1024

/** What is found beside entries; each is worth an alarm. */
export interface Findings {
  /** Lines that cannot be shipped. `kept`: they stand in `set-aside.txt`. */
  onSetAside(lines: readonly Unusable[], kept: boolean): void
  /** Lines that the chain tells of, and that are not there. */
  onMissing(count: number): void
  /** The cursor cannot be written: duplicates after a restart. */
  onCursor(cause: unknown): void
}

/** The entries of a spool's segments, in batches. */
export class SegmentSource<T> implements Source<T> {
  readonly #store: SpoolStore
  readonly #parse: (text: string) => T
  readonly #findings: Findings
  #pending: { readonly cursor: Cursor; readonly unusable: readonly Unusable[]; readonly missing: number } | undefined

  /** @param parse - What a line tells, as it will be exported. Throws for what is no audit entry. */
  constructor(store: SpoolStore, parse: (text: string) => T, findings: Findings) {
    this.#store = store
    this.#parse = parse
    this.#findings = findings
  }

  async next(maxEntries: number): Promise<Batch<T> | undefined> {
    const segment = await this.#store.oldest()
    if (segment === undefined) return undefined
    const { entries, unusable, bytes, position, missing } = await this.#cut(segment, maxEntries)
    const cursor = {
      segment: segment.number,
      offset: segment.offset + bytes,
      position: position ?? this.#store.cursor.position,
    }
    this.#pending = { cursor, unusable, missing }
    return { entries, setAside: unusable.length }
  }

  async shipped(): Promise<void> {
    if (this.#pending === undefined) return
    const { cursor, unusable, missing } = this.#pending
    this.#pending = undefined
    if (unusable.length > 0) {
      const lines = unusable.map(({ line }) => line)
      this.#findings.onSetAside(unusable, await setAside(this.#store.folder, lines, MAX_SET_ASIDE_BYTES))
    }
    if (missing > 0) this.#findings.onMissing(missing)
    try {
      await this.#store.advance(cursor)
    } catch (cause) {
      this.#findings.onCursor(cause)
    }
  }

  async #cut(segment: Segment, maxLines: number): Promise<Cut<T>> {
    const left = segment.length - segment.offset
    const after = this.#store.cursor.position
    for (let bytes = Math.min(left, READ_BYTES); ; bytes = Math.min(left, bytes * 2)) {
      const text = await read(segment, bytes)
      const found = cut(text, { after, maxLines, parse: this.#parse })
      if (found.bytes > 0) return found
      if (text.length < bytes || bytes === left || bytes >= MAX_LINE_BYTES) return unended(segment, text, after)
    }
  }
}

/** What is left of a segment that does not end in a newline, or that was cut or removed by someone else: no entry of it can be had. */
function unended<T>({ length, offset }: Segment, line: Buffer, { n, hash }: Cursor['position']): Cut<T> {
  const bytes = line.length < MAX_LINE_BYTES ? length - offset : line.length
  if (line.length === 0) return { entries: [], unusable: [], bytes, position: { n, hash }, missing: 0 }
  // It stands for one of the chain.
  const unusable: readonly Unusable[] = [{ line, why: 'no line of a chain' }]
  return { entries: [], unusable, bytes, position: { n: n + 1, hash }, missing: 0 }
}

async function read({ path, offset }: Segment, bytes: number): Promise<Buffer> {
  try {
    return await readAt(path, offset, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
