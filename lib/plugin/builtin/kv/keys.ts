import { hash } from 'node:crypto'
import { Refused } from './refused.ts'

/** Bytes of UTF-8 that the name of a secret may have; what the strictest host stores, less our own prefix. */
const MAX_NAME_BYTES = 1500

/**
 * The name of a secret as it stands in a path: one slash where there are several, none at the ends.
 *
 * @throws {Refused} for one that no storage would take.
 */
export function nameOf(path: string): string {
  const name = path.includes('//') || path.startsWith('/') || path.endsWith('/') ? trimmed(path) : path
  // Counted in bytes only where it could matter: UTF-8 takes at most three for each unit.
  if (name.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new Refused(`the name of a secret must have at most ${MAX_NAME_BYTES} bytes`)
  return name
}

/** The name that a write is for. @throws {Refused} for a folder, which a server refuses itself, and as {@link nameOf}. */
export function writtenName(path: string): string {
  if (path === '' || path.endsWith('/')) throw new Refused("cannot write to a path ending in '/'")
  return nameOf(path)
}

function trimmed(path: string): string {
  return path
    .split('/')
    .filter((segment) => segment !== '')
    .join('/')
}

/**
 * `name` as part of a storage key. Hosts refuse `..` anywhere in a key, so the first of two dots is written as `%2E`, and `%` as `%25`.
 * Lists stay possible, since slashes stay.
 */
export function encodeName(name: string): string {
  if (!name.includes('%') && !name.includes('..')) return name
  return name.replace(/%|\.(?=\.)/g, (found) => (found === '%' ? '%25' : '%2E'))
}

/** Undoes {@link encodeName}. */
export function decodeName(text: string): string {
  return text.includes('%') ? text.replace(/%25|%2E/g, (found) => (found === '%25' ? '%' : '.')) : text
}

/** Storage prefix of the names in `folder`; `''` is the root. */
export function folderKey(root: string, folder: string): string {
  return folder === '' ? root : `${root}${encodeName(folder)}/`
}

/**
 * Folder of a secret's versions. By hash, so that no name is a version of another one and that keys stay short; the key of
 * the metadata tells the name anyway.
 */
export function versionsFolder(name: string): string {
  return `versions/${hash('sha256', name, 'hex')}/`
}
