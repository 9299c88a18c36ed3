import { basename, join, resolve } from 'node:path'
import { installError, reasonOf } from '../failure.ts'
import { hashFile } from '../hash-file.ts'
import type { FetchContext, Fetched } from './fetched.ts'

/** Copies a file while it is hashed. */
export async function fetchFile(path: string, { stage, base, signal }: FetchContext): Promise<Fetched> {
  const copy = join(stage, 'plugin')
  try {
    const sha256 = await hashFile(resolve(base, path), { copyTo: copy, signal })
    return { path: copy, sha256, name: nameOfFile(basename(path)), version: '' }
  } catch (cause) {
    signal?.throwIfAborted()
    throw installError(`${path} cannot be installed: ${whyNot(cause)}`, { cause })
  }
}

/** A name without the ending of a script. */
export function nameOfFile(file: string): string {
  return file.replace(/\.(?:[cm]?[jt]s|py|exe)$/, '')
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  ELOOP: 'it is a symbolic link; give the path that it leads to',
}

function whyNot(cause: unknown): string {
  if (cause instanceof RangeError) return `it ${cause.message}`
  const code = reasonOf(cause)
  return WORDS[code] ?? code
}
