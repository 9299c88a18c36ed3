import type { Buffer } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { StorageError } from '../../errors/index.ts'

/** Where the facts of a meta page stand, on machines with 64 bits and the least byte first. */
const FLAGS_AT = 18
const MAGIC_AT = 24
const VERSION_AT = 28
const PAGE_SIZE_AT = 48
const LAST_PAGE_AT = 144
const META_BYTES = 168

const IS_META = 0x08
const MAGIC = 0xbeefc0de
const VERSION = 2

/**
 * Looks at an LMDB file before LMDB does, which ends the process (SIGSEGV, SIGBUS) over a file that is not whole.
 *
 * A file shorter than its last page is lengthened by zeros: LMDB knows them for no page of its own, and says so when
 * it comes to them. Nothing is done to a file that is not there yet.
 *
 * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_CORRUPT`: it is no LMDB file.
 */
export async function checkLmdbFile(path: string): Promise<void> {
  if (process.arch !== 'x64' && process.arch !== 'arm64') return
  const handle = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (handle === undefined) return
  try {
    await checkPages(path, handle)
  } finally {
    await handle.close()
  }
}

async function checkPages(path: string, handle: FileHandle): Promise<void> {
  const { size } = await handle.stat()
  // Made by an open that was killed before its first write.
  if (size === 0) return
  const first = await metaAt(path, handle, 0)
  const pageSize = first.readUInt32LE(PAGE_SIZE_AT)
  if (pageSize < 512 || pageSize > 65_536 || !Number.isInteger(Math.log2(pageSize))) throw damaged(path)
  const second = await metaAt(path, handle, pageSize)
  const pages = [first, second].map((meta) => Number(meta.readBigUInt64LE(LAST_PAGE_AT)) + 1)
  const whole = Math.max(...pages) * pageSize
  // A number of pages that no disk holds was not written by LMDB.
  if (!Number.isSafeInteger(whole) || whole > size + MAX_MISSING_BYTES) throw damaged(path)
  if (whole > size) await handle.truncate(whole)
}

/** Pages at the end that LMDB took and freed again are never written, but not so many. */
const MAX_MISSING_BYTES = 2 ** 32

async function metaAt(path: string, handle: FileHandle, position: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read({ position, length: META_BYTES })
  const isMeta =
    bytesRead >= META_BYTES &&
    (buffer.readUInt16LE(FLAGS_AT) & IS_META) !== 0 &&
    buffer.readUInt32LE(MAGIC_AT) === MAGIC &&
    (buffer.readUInt32LE(VERSION_AT) & 0xffff) === VERSION
  if (!isMeta) throw damaged(path)
  return buffer
}

function damaged(path: string): StorageError {
  return new StorageError('ERR_PORTCULLIS_STORAGE_CORRUPT', `${path} is not, or not any more, a file of LMDB`)
}
