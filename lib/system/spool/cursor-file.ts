import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { CURSOR_FILE_BYTES, type Cursor, decodeCursor, encodeCursor, slotOffset } from '../../audit/spool/cursor.ts'

const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants

/**
 * Where a cursor is kept.
 *
 * Written in place, into two slots that take turns: that one is whole at any moment, as after a rename, and takes no room, so that a
 * full disk does not keep what is shipped from being removed.
 */
export class CursorFile {
  readonly #handle: FileHandle
  readonly #sync: boolean
  #writing: number
  /** As it was found; `undefined` where there was none that is whole. */
  readonly found: Cursor | undefined

  /** Made with mode 0600. @throws what the system says. */
  static async open(path: string, sync: boolean): Promise<CursorFile> {
    const handle = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
    try {
      const file = Buffer.alloc(CURSOR_FILE_BYTES)
      const { bytesRead } = await handle.read(file, 0, CURSOR_FILE_BYTES, 0)
      const read = decodeCursor(file)
      if (bytesRead < CURSOR_FILE_BYTES) await handle.write(file, 0, CURSOR_FILE_BYTES, 0)
      return new CursorFile(handle, sync, read?.cursor, read?.writing ?? 0)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  private constructor(handle: FileHandle, sync: boolean, found: Cursor | undefined, writing: number) {
    this.#handle = handle
    this.#sync = sync
    this.found = found
    this.#writing = writing
  }

  async write(cursor: Cursor): Promise<void> {
    const writing = this.#writing + 1
    const slot = encodeCursor({ cursor, writing })
    await this.#handle.write(slot, 0, slot.length, slotOffset(writing))
    this.#writing = writing
    if (this.#sync) await this.#handle.datasync()
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
