import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import type { StoredToken } from './local-token.ts'

/** Largest file read. */
const MAX_BYTES = 16 * 1024 * 1024

/** A file of local tokens that cannot be used. */
export class TokenFileError extends Error {
  readonly code = 'ERR_TOKEN_FILE'
}

/** The tokens in `file`. @throws {TokenFileError} it is not what it should be; never with anything of its content. */
export async function readTokens(file: string): Promise<readonly StoredToken[]> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await checkFile(handle, file)
    return tokensIn(file, await handle.readFile('utf8'))
  } finally {
    await handle.close()
  }
}

/**
 * Changes the tokens in `file`, which is made where it does not exist. Others who do the same at that moment are refused.
 *
 * @throws {TokenFileError} another change is under way, or the file is not what it should be.
 */
export async function changeTokens(
  file: string,
  change: (tokens: readonly StoredToken[]) => readonly StoredToken[],
): Promise<void> {
  const next = `${file}.new`
  const handle = await open(next, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new TokenFileError(`${next} is there: another change is under way, or one was broken off; remove it then`)
  })
  try {
    const tokens = await readTokens(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    await handle.writeFile(`${JSON.stringify({ tokens: change(tokens) }, undefined, 2)}\n`)
    await handle.sync()
    await rename(next, file)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

async function checkFile(handle: FileHandle, file: string): Promise<void> {
  const found = await handle.stat()
  if (!found.isFile()) throw new TokenFileError(`${file} is no file`)
  if ((found.mode & 0o077) !== 0) throw new TokenFileError(`${file} is open to others: chmod 600 it`)
  if (found.size > MAX_BYTES) throw new TokenFileError(`${file} is larger than ${MAX_BYTES} bytes`)
}

function tokensIn(file: string, text: string): readonly StoredToken[] {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    throw new TokenFileError(`${file} is no JSON`)
  }
  const tokens: unknown = Object(found).tokens
  if (!Array.isArray(tokens)) throw new TokenFileError(`${file} has no list "tokens"`)
  for (const [at, token] of tokens.entries())
    if (!isStored(token)) throw new TokenFileError(`${file}: /tokens/${at} is no token of portcullis`)
  return tokens
}

function isStored(value: unknown): value is StoredToken {
  const { id, sha256, expires, caller } = Object(value)
  if (typeof id !== 'string' || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return false
  if (typeof expires !== 'string' || Number.isNaN(Date.parse(expires))) return false
  return typeof caller === 'object' && caller !== null && !Array.isArray(caller)
}
