import { stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { link, type Position } from '../../audit/chain/link.ts'
import { CURSOR_START, type Cursor } from '../../audit/spool/cursor.ts'
import { segmentName } from '../../audit/spool/segment-name.ts'
import { CursorFile } from './cursor-file.ts'
import { listSegments, makeFolder, syncFolder } from './folder.ts'
import { type FolderLock, lockFolder } from './lock.ts'
import { mendSegment, placeBefore, SegmentWriter } from './segment.ts'

export interface StoreOptions {
  /** Bytes of all segments; more are refused. */
  readonly maxBytes: number
  /** A segment of this size is followed by another; bytes. */
  readonly segmentBytes: number
  /** Is a write accepted only once the disk has it? */
  readonly sync: boolean
}

/** A segment that is not shipped yet, or not wholly. */
export interface Segment {
  readonly number: number
  readonly path: string
  /** Bytes in whole lines. */
  readonly length: number
  /** Bytes that are shipped. */
  readonly offset: number
}

/** The folder has no room for what was to be written. */
export class NoRoomError extends Error {}

/** Codes of the system for a disk, or a part of one, that is full. */
const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT'])

/** The files of a spool: segments that grow at one end and are removed at the other, a cursor, a lock. */
export class SpoolStore {
  readonly folder: string
  readonly #options: StoreOptions
  readonly #lock: FolderLock
  readonly #cursorFile: CursorFile
  /** Oldest first. */
  readonly #segments: { readonly number: number; readonly path: string; length: number }[] = []
  #writer: SegmentWriter | undefined
  #isAppending = false
  #nextNumber = 1
  #bytes = 0
  #cursor: Cursor = CURSOR_START
  /** The last line that was written. */
  #written: Position = CURSOR_START.position
  /** Was something refused for want of room, and nothing taken since? */
  #wantsRoom = false
  #closing: Promise<void> | undefined

  /** @throws {Error} the folder cannot be used, or another process has it. */
  static async open(folder: string, options: StoreOptions): Promise<SpoolStore> {
    await makeFolder(folder)
    const lock = await lockFolder(join(folder, 'lock'))
    let cursorFile: CursorFile | undefined
    try {
      cursorFile = await CursorFile.open(join(folder, 'cursor'), options.sync)
      const store = new SpoolStore(folder, options, lock, cursorFile)
      await store.#recover(cursorFile.found)
      return store
    } catch (error) {
      await cursorFile?.close()
      lock.release()
      throw error
    }
  }

  private constructor(folder: string, options: StoreOptions, lock: FolderLock, cursorFile: CursorFile) {
    this.folder = folder
    this.#options = options
    this.#lock = lock
    this.#cursorFile = cursorFile
  }

  get cursor(): Cursor {
    return this.#cursor
  }

  /** Bytes of the segments. */
  get bytes(): number {
    return this.#bytes
  }

  /** Lines that are not shipped. */
  get waiting(): number {
    return Math.max(0, this.#written.n - this.#cursor.position.n)
  }

  /**
   * Appends lines, each linked to the one before.
   *
   * @throws {NoRoomError} nothing of them was written: it would be too much, or the disk is full.
   * @throws what else the system says; then, too, nothing of them stays.
   */
  async append(lines: readonly string[]): Promise<void> {
    this.#isAppending = true
    try {
      await this.#append(lines)
      this.#wantsRoom = false
    } catch (cause) {
      const code: unknown = (cause as NodeJS.ErrnoException).code
      if (!(cause instanceof NoRoomError) && !FULL.has(code)) throw cause
      this.#wantsRoom = true
      throw cause instanceof NoRoomError ? cause : new NoRoomError(`its disk is full (${String(code)})`, { cause })
    } finally {
      this.#isAppending = false
    }
  }

  /** The segment that is to be shipped next, those that are shipped removed. `undefined`: nothing waits. */
  async oldest(): Promise<Segment | undefined> {
    for (;;) {
      const oldest = this.#segments[0]
      if (oldest === undefined) return undefined
      const offset = this.#cursor.segment === oldest.number ? this.#cursor.offset : 0
      if (offset < oldest.length) return { ...oldest, offset }
      const isLive = this.#segments.length === 1 && this.#writer !== undefined
      if (isLive && !(await this.#retire())) return undefined
      await this.#remove(oldest)
    }
  }

  /** What stands before `cursor` is shipped. A cursor that cannot be written is told, and costs duplicates after a restart. */
  async advance(cursor: Cursor): Promise<void> {
    this.#cursor = cursor
    await this.#cursorFile.write(cursor)
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      await this.#writer?.close()
      await this.#cursorFile.close()
    } finally {
      this.#lock.release()
    }
  }

  async #append(lines: readonly string[]): Promise<void> {
    if (this.#writer !== undefined && this.#writer.length >= this.#options.segmentBytes) await this.#roll()
    const [text, written] = this.#linked(lines, this.#writer === undefined || this.#writer.length === 0)
    const { maxBytes } = this.#options
    if (this.#bytes + text.length > maxBytes)
      throw new NoRoomError(`${this.#bytes} of ${maxBytes} bytes are taken by entries that are not shipped`)
    const writer = this.#writer ?? (await this.#create())
    await writer.append(text)
    const newest = this.#segments.at(-1)
    if (newest !== undefined) newest.length = writer.length
    this.#bytes += text.length
    this.#written = written
  }

  #linked(lines: readonly string[], isFirst: boolean): readonly [Buffer, Position] {
    let last = this.#written
    let text = ''
    for (const [index, line] of lines.entries()) {
      const linked = link(line, last, index === 0 ? { isFirst } : {})
      text += `${linked.line}\n`
      last = linked
    }
    return [Buffer.from(text), { n: last.n, hash: last.hash }]
  }

  async #create(): Promise<SegmentWriter> {
    const number = this.#nextNumber
    const path = join(this.folder, segmentName(number))
    const writer = await SegmentWriter.create(path, this.#options.sync)
    this.#nextNumber += 1
    this.#segments.push({ number, path, length: 0 })
    this.#writer = writer
    if (this.#options.sync) await syncFolder(this.folder)
    return writer
  }

  /** The next line begins another segment. */
  async #roll(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close()
  }

  /** Ends the live segment, which is shipped, where that makes room or leaves little behind. */
  async #retire(): Promise<boolean> {
    const { segmentBytes } = this.#options
    const length = this.#writer?.length ?? 0
    if (this.#isAppending || length === 0 || (!this.#wantsRoom && length < segmentBytes)) return false
    await this.#roll()
    return true
  }

  async #remove({ path, length }: { readonly path: string; readonly length: number }): Promise<void> {
    await unlink(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    this.#segments.shift()
    this.#bytes -= length
  }

  async #recover(found: Cursor | undefined): Promise<void> {
    const numbers = await listSegments(this.folder)
    for (const number of numbers.toReversed()) await this.#recoverSegment(number, found ?? CURSOR_START)
    const oldest = this.#segments[0]
    const before = oldest === undefined ? CURSOR_START.position : await placeBefore(oldest.path)
    this.#nextNumber = Math.max(found?.segment ?? 0, numbers.at(-1) ?? 0) + 1
    this.#cursor = found ?? { ...CURSOR_START, position: before }
    if (this.#cursor.position.n > this.#written.n) this.#written = this.#cursor.position
  }

  /** Newest first, since that one may be torn, and may have no line that tells how far the chain goes. */
  async #recoverSegment(number: number, cursor: Cursor): Promise<void> {
    const path = join(this.folder, segmentName(number))
    // Killed between the writing of the cursor and the removal.
    if (number < cursor.segment) return unlink(path)
    const isKnown = this.#written.n > 0
    const { last, length } = isKnown ? { last: undefined, length: (await stat(path)).size } : await mendSegment(path)
    if (last !== undefined) this.#written = last
    this.#segments.unshift({ number, path, length })
    this.#bytes += length
  }
}
