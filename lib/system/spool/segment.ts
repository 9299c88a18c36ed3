import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { CHAIN_START, hashOf, type Position } from '../../audit/chain/link.ts'
import { readSuffix } from '../../audit/chain/suffix.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants
const NEWLINE = 0x0a

/** A segment that is appended to. A write that fails leaves nothing behind, so that the file always ends in a whole line. */
export class SegmentWriter {
  readonly #handle: FileHandle
  readonly #sync: boolean
  #length = 0
  /** Did a write leave text that could not be taken back? */
  #isTorn = false

  /** Makes the file with mode 0600. @throws what the system says; also where it is there already. */
  static async create(path: string, sync: boolean): Promise<SegmentWriter> {
    return new SegmentWriter(await open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), sync)
  }

  private constructor(handle: FileHandle, sync: boolean) {
    this.#handle = handle
    this.#sync = sync
  }

  /** Bytes that were appended; more may stand in the file for a moment. */
  get length(): number {
    return this.#length
  }

  /** Whole lines. @throws what the system says; then none of it counts. */
  async append(text: Buffer): Promise<void> {
    if (this.#isTorn) await this.#takeBack()
    try {
      for (let done = 0; done < text.length; ) {
        const { bytesWritten } = await this.#handle.write(text, done, text.length - done)
        done += bytesWritten
      }
      if (this.#sync) await this.#handle.datasync()
    } catch (error) {
      this.#isTorn = true
      await this.#takeBack().catch(() => {})
      throw error
    }
    this.#length += text.length
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #takeBack(): Promise<void> {
    await this.#handle.truncate(this.#length)
    this.#isTorn = false
  }
}

/** What stands at `offset` of a file: up to `maxBytes`, and no more than is there. */
export async function readAt(path: string, offset: number, maxBytes: number): Promise<Buffer> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW)
  try {
    const text = Buffer.allocUnsafe(maxBytes)
    let length = 0
    while (length < maxBytes) {
      const { bytesRead } = await handle.read(text, length, maxBytes - length, offset + length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return text.subarray(0, length)
  } finally {
    await handle.close()
  }
}

/** A segment that another process left. */
export interface LeftSegment {
  readonly length: number
  /** Its last line that is whole; `undefined` where it has none. */
  readonly last: Position | undefined
}

/** Takes the last line away where it is torn: a process was killed in the middle, and nobody was told that it was written. */
export async function mendSegment(path: string): Promise<LeftSegment> {
  const handle = await open(path, O_RDWR | O_NOFOLLOW)
  try {
    const text = await handle.readFile()
    const length = text.lastIndexOf(NEWLINE) + 1
    if (length < text.length) await handle.truncate(length)
    return { length, last: lastPosition(text.subarray(0, length)) }
  } finally {
    await handle.close()
  }
}

function lastPosition(text: Buffer): Position | undefined {
  for (let end = text.length - 1; end > 0; ) {
    const start = text.lastIndexOf(NEWLINE, end - 1) + 1
    const line = text.subarray(start, end)
    const suffix = readSuffix(line)
    if (suffix !== undefined && hashOf(line.subarray(0, suffix.covered)) === suffix.hash)
      return { n: suffix.n, hash: suffix.hash }
    end = start - 1
  }
  return undefined
}

/** The place before the first line of a segment; that before all lines where it cannot be told. */
export async function placeBefore(path: string): Promise<Position> {
  const text = await readAt(path, 0, FIRST_LINE_BYTES)
  const end = text.indexOf(NEWLINE)
  const suffix = end === -1 ? undefined : readSuffix(text.subarray(0, end))
  return suffix === undefined ? CHAIN_START : { n: suffix.n - 1, hash: suffix.prev }
}

const FIRST_LINE_BYTES = 1024 * 1024
