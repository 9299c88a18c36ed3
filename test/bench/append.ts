import { closeSync, openSync, write } from 'node:fs'
import { truncate } from 'node:fs/promises'

/** Appends lines to a file as the file device does, off the main thread and those that gathered together; with nothing around it. */
export class LineFile {
  readonly #fd: number
  #lines = ''
  #next: PromiseWithResolvers<void> | undefined
  #isWriting = false

  constructor(path: string) {
    this.#fd = openSync(path, 'a', 0o600)
  }

  /** Resolves when the system has taken the line. */
  append(line: string): Promise<void> {
    this.#lines += `${line}\n`
    if (this.#next === undefined) {
      this.#next = Promise.withResolvers<void>()
      if (!this.#isWriting) queueMicrotask(() => this.#flush())
    }
    return this.#next.promise
  }

  close(): void {
    closeSync(this.#fd)
  }

  #flush(): void {
    const lines = this.#lines
    const written = this.#next
    this.#lines = ''
    this.#next = undefined
    this.#isWriting = true
    write(this.#fd, lines, (error) => {
      this.#isWriting = false
      if (error === null) written?.resolve()
      else written?.reject(error)
      if (this.#next !== undefined) this.#flush()
    })
  }
}

/** Empties a file that is open for appending, so that long runs do not fill the disk. */
export async function emptied(path: string): Promise<void> {
  await truncate(path, 0)
}
