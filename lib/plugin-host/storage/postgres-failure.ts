import { StorageError } from '../../errors/index.ts'

/** The package `pg`, loaded when it is first needed. */
export type PgModule = typeof import('pg')['default']

/** @throws {StorageError} `ERR_PORTCULLIS_STORAGE_FAILED`: it is not installed. */
export async function loadPg(): Promise<PgModule> {
  try {
    return (await import('pg')).default
  } catch (cause) {
    const message = 'the package pg cannot be loaded: install it (npm install pg), or take another storage driver'
    throw new StorageError('ERR_PORTCULLIS_STORAGE_FAILED', message, { cause, temporary: false })
  }
}

/** Classes of SQLSTATE that no second try mends: login refused, no such database, no right, no such table or column. */
const LASTING = /^(?:28|3D|42)/

/** A failure of PostgreSQL or of the way to it, as ours. The server's message can stand in ours: it echoes no value. */
export function failed(what: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  const { code } = cause as { readonly code?: unknown }
  const why = cause instanceof Error && cause.message !== '' ? cause.message : String(code ?? 'it failed')
  const temporary = !(typeof code === 'string' && LASTING.test(code))
  return new StorageError('ERR_PORTCULLIS_STORAGE_FAILED', `${what}: ${why}`, { cause, temporary })
}
