import { stat } from 'node:fs/promises'
import type { CallerAttributes } from 'portcullis'
import { hashOf, type StoredToken } from './local-token.ts'
import { readTokens } from './token-file.ts'

/** The local tokens that are good now. */
export interface LocalTokens {
  /** Attributes of the caller behind `token`; `undefined`: not known, expired, or the file cannot be used. */
  callerOf(token: string): Promise<CallerAttributes | undefined>
  /** Reads the file anew. @throws {TokenFileError} */
  reload(): Promise<void>
}

/** How old what is known of the file may be: a token that was revoked is good so long. */
const LOOK_EVERY_MS = 1_000

/** Follows `file`; what was read last is dropped where it cannot be read any more, so that nobody is let in by it. */
export function createLocalTokens(file: string, onProblem: (error: Error) => void): LocalTokens {
  return new TokenStore(file, onProblem)
}

class TokenStore implements LocalTokens {
  readonly #file: string
  readonly #onProblem: (error: Error) => void
  #byHash: ReadonlyMap<string, StoredToken> = new Map()
  #version = ''
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined

  constructor(file: string, onProblem: (error: Error) => void) {
    this.#file = file
    this.#onProblem = onProblem
  }

  async callerOf(token: string): Promise<CallerAttributes | undefined> {
    if (performance.now() - this.#lookedAtMs > LOOK_EVERY_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined
      })
      await this.#looking
    }
    const found = this.#byHash.get(hashOf(token))
    return found === undefined || Date.parse(found.expires) <= Date.now() ? undefined : found.caller
  }

  async reload(): Promise<void> {
    this.#byHash = new Map()
    const version = await this.#versionNow()
    const tokens = await readTokens(this.#file)
    this.#byHash = new Map(tokens.map((token) => [token.sha256, token]))
    this.#version = version
    this.#lookedAtMs = performance.now()
  }

  async #look(): Promise<void> {
    try {
      if ((await this.#versionNow()) !== this.#version) await this.reload()
    } catch (error) {
      this.#byHash = new Map()
      this.#version = ''
      this.#onProblem(error as Error)
    }
    this.#lookedAtMs = performance.now()
  }

  async #versionNow(): Promise<string> {
    const { ino, mtimeMs, ctimeMs, size } = await stat(this.#file)
    return [ino, mtimeMs, ctimeMs, size].join(' ')
  }
}
