import type { StoreChange } from '../../ports/store.ts'
import type { StorageGetReply, StoragePutArgs } from './gen/storage.ts'

/** Texts that plugins compare, word for word. */
export const STORAGE_TEXTS = {
  readOnly: 'cannot write to readonly storage',
  setup: 'cannot write to storage during setup',
  relativePath: 'relative paths not supported',
} as const

/** A value, or that there is none. */
export function entryToWire(key: string, value: Uint8Array | undefined): StorageGetReply {
  return { entry: value === undefined ? undefined : { key, value, sealWrap: false }, err: '' }
}

/** The value read; `undefined` for none. */
export function entryFromWire({ entry }: StorageGetReply): Uint8Array | undefined {
  return entry?.value
}

/**
 * What is to be written; `undefined` where the entry is missing, which is an error.
 *
 * The value is a copy: as decoded it points into a piece of what the socket brought, and would keep all of that alive.
 */
export function changeFromWire({ entry }: StoragePutArgs): StoreChange | undefined {
  return entry === undefined ? undefined : { key: entry.key, value: Uint8Array.from(entry.value) }
}

export function putToWire(key: string, value: Uint8Array): StoragePutArgs {
  return { entry: { key, value, sealWrap: false }, txn: '' }
}
