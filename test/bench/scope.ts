import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What has been opened and has to be closed, last first, however the run ends. */
export class Scope {
  readonly #closers: (() => unknown)[] = []
  #closed: Promise<void> | undefined

  add(close: () => unknown): void {
    this.#closers.push(close)
  }

  /** A new folder, removed at the end. */
  async folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'portcullis-bench-'))
    this.add(() => rm(path, { recursive: true, force: true }))
    return path
  }

  /** Idempotent. What fails to close does not keep the rest open. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll()
    return this.#closed
  }

  async #closeAll(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        console.error('clean-up failed:', error)
      }
    }
  }
}
