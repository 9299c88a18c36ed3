import { StorageError } from '../../errors/index.ts'
import { StorageService } from '../wire/gen/services.ts'
import type { GrpcServer } from '../wire/grpc/server.ts'
import { changeFromWire, entryToWire } from '../wire/storage.ts'
import { type MountStorage, StorageRefusal } from './mount-storage.ts'

const DONE: { err: string; walIndex: undefined } = { err: '', walIndex: undefined }
const TRANSACTIONAL = Object.freeze({ transactional: true })

/** Serves one mount's storage. The connection is the identity: `server` must be reachable by that mount's backend alone. */
export function serveStorage(server: GrpcServer, storage: MountStorage): void {
  server.add(StorageService, {
    get: async ({ key, txn }) => {
      try {
        const value = await storage.get(key, txn)
        return entryToWire(key, value)
      } catch (error) {
        return { entry: undefined, err: told(error) }
      }
    },
    put: (args) => {
      const change = changeFromWire(args)
      if (change === undefined) return { err: 'an entry is needed', walIndex: undefined }
      return done(storage.write(change.key, change.value, args.txn))
    },
    delete: ({ key, txn }) => done(storage.write(key, undefined, txn)),
    list: ({ prefix, txn }) => listed(() => storage.list(prefix, txn)),
    listPage: ({ prefix, after, limit, txn }) =>
      listed(() => storage.list(prefix, txn, { after, limit: limit > 0 ? limit : Infinity })),
    isTransactional: () => TRANSACTIONAL,
    beginTx: () => begun(storage, false),
    beginReadOnlyTx: () => begun(storage, true),
    commit: ({ txn }) => done(storage.commit(txn)),
    rollback: ({ txn }) => done(attempt(() => storage.rollback(txn))),
  })
}

async function listed(list: () => Promise<readonly string[]>): Promise<{ keys: string[]; err: string }> {
  try {
    return { keys: [...(await list())], err: '' }
  } catch (error) {
    return { keys: [], err: told(error) }
  }
}

async function done(work: Promise<void>): Promise<typeof DONE> {
  try {
    await work
    return DONE
  } catch (error) {
    return { err: told(error), walIndex: undefined }
  }
}

async function attempt(run: () => void): Promise<void> {
  run()
}

function begun(storage: MountStorage, isReadOnly: boolean): { txn: string; err: string } {
  try {
    return { txn: storage.begin(isReadOnly), err: '' }
  } catch (error) {
    return { txn: '', err: told(error) }
  }
}

/** Our words, or the code: what a driver says can hold keys and paths of others. */
function told(error: unknown): string {
  if (error instanceof StorageRefusal || error instanceof RangeError) return error.message
  return error instanceof StorageError ? `storage failed: ${error.code}` : 'storage failed'
}
