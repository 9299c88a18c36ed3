import { closeSync, openSync, writeSync } from 'node:fs'
import { truncate } from 'node:fs/promises'

/** Appends lines to a file, those of one turn together, as the file device does; with nothing around it. */
export class LineFile {
  readonly #fd: number
  #lines: string[] = []
  #written: Promise<void> | undefined

  constructor(path: string) {
    this.#fd = openSync(path, 'a', 0o600)
  }

  /** Resolves when the system has taken the line. */
  append(line: string): Promise<void> {
    this.#lines.push(line)
    this.#written ??= Promise.resolve().then(() => this.#flush())
    return this.#written
  }

  close(): void {
    closeSync(this.#fd)
  }

  #flush(): void {
    const lines = this.#lines
    this.#lines = []
    this.#written = undefined
    writeSync(this.#fd, `${lines.join('\n')}\n`)
  }
}

/** Empties a file that is open for appending, so that long runs do not fill the disk. */
export async function emptied(path: string): Promise<void> {
  await truncate(path, 0)
}
