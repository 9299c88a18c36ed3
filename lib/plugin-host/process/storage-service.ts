import { StorageError } from '../../errors/index.ts'
import { StorageService } from '../wire/gen/services.ts'
import type { GrpcServer } from '../wire/grpc/server.ts'
import type { ServerCall } from '../wire/grpc/server-call.ts'
import { changeFromWire, entryToWire } from '../wire/storage.ts'
import { type MountStorage, StorageRefusal } from './mount-storage.ts'
import { Turns } from './turns.ts'

const DONE: { err: string; walIndex: undefined } = { err: '', walIndex: undefined }
/** Reads under way at once, until the plugin has taken what they brought: it can be several MiB each. */
const READS_AT_ONCE = 8
/** Of a value that is smaller nobody waits until it is taken. */
const LARGE_BYTES = 64 * 1024
const TRANSACTIONAL = Object.freeze({ transactional: true })

/** Serves one mount's storage. The connection is the identity: `server` must be reachable by that mount's backend alone. */
export function serveStorage(server: GrpcServer, storage: MountStorage): void {
  const reading = new Turns(READS_AT_ONCE)
  server.add(StorageService, {
    get: async ({ key, txn }, call) => {
      const turn = reading.begin(1)
      if (turn !== undefined) await turn
      let value: Uint8Array | undefined
      try {
        value = await storage.get(key, txn)
        return entryToWire(key, value)
      } catch (error) {
        return { entry: undefined, err: told(error) }
      } finally {
        ended(reading, value, call)
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

function ended(reading: Turns, value: Uint8Array | undefined, call: ServerCall): void {
  if (value === undefined || value.byteLength < LARGE_BYTES) reading.end(1)
  else void call.closed().then(() => reading.end(1))
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
