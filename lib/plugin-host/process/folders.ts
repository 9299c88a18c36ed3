import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Longest path of a Unix socket, in bytes. */
export const MAX_SOCKET_PATH = 107
/** Room for what plugins call their sockets: `plugin` and digits. */
const SOCKET_NAME_ROOM = 32

/** Folders of one plugin process; gone with it. */
export interface ProcessFolders {
  /** Where the host puts its own sockets for the plugin, which cannot write here under `uid`. */
  readonly base: string
  /** Where the plugin puts its sockets and what it has for the moment. */
  readonly sockets: string
  readonly home: string
}

export interface FolderOwner {
  readonly uid: number
  readonly gid: number
}

/**
 * The folder for the sockets of this host, with a short path.
 *
 * Under `uid` other users have to pass through it: they may enter, and see nothing.
 *
 * @throws {RangeError} no folder for temporary files has a path that is short enough for a socket.
 */
export function makeRunFolder(): string {
  for (const parent of [tmpdir(), '/tmp']) {
    const longest = join(parent, 'portcullis-XXXXXX', '1000000', 's').length + 1 + SOCKET_NAME_ROOM
    if (longest > MAX_SOCKET_PATH) continue
    const folder = mkdtempSync(join(parent, 'portcullis-'))
    chmodSync(folder, 0o711)
    endPackageSearch(folder)
    return folder
  }
  throw new RangeError('the paths of all folders for temporary files are too long for a Unix socket')
}

/**
 * Keeps a `package.json` above `folder` from saying how Node reads the plugins below it.
 *
 * Of a project that is `"type": "commonjs"`, as npm makes them, an ES module without an ending would end at once, without
 * a word and with status 0; and anybody can put a `package.json` into `/tmp`.
 */
export function endPackageSearch(folder: string): void {
  const path = join(folder, 'package.json')
  rmSync(path, { force: true })
  writeFileSync(path, '{}\n', { flag: 'wx', mode: 0o644 })
}

/** Makes the folders of one process; `owner` is the plugin's own user, where it has one. */
export function makeProcessFolders(runFolder: string, id: number, owner: FolderOwner | undefined): ProcessFolders {
  const base = join(runFolder, String(id))
  const folders = { base, sockets: join(base, 's'), home: join(base, 'h') }
  mkdirSync(base, { mode: 0o700 })
  for (const folder of [folders.sockets, folders.home]) {
    mkdirSync(folder, { mode: 0o700 })
    if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  }
  if (owner === undefined) return folders
  chownSync(base, 0, owner.gid)
  chmodSync(base, 0o750)
  return folders
}

/** Links in it are removed, not followed. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 2 })
  } catch {
    // A straggler may still write there; the next start of the host removes it.
  }
}
