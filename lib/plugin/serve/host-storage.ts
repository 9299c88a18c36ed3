import { StorageService } from '../../plugin-host/wire/gen/services.ts'
import type { StorageCalls } from '../host.ts'
import { compareBytes } from '../overlay.ts'
import { accepted, type HostConnection, isUnimplemented } from './host-connection.ts'

/** Storage of a mount, at its host. */
export function hostStorage(host: HostConnection): StorageCalls {
  let hasTransactions: boolean | undefined
  let hasPages = true
  const isTransactional = async (): Promise<boolean> => {
    try {
      return (await host.call(StorageService.isTransactional, {})).transactional
    } catch (error) {
      if (isUnimplemented(error)) return false
      throw error
    }
  }
  const all = async (prefix: string, txn: string): Promise<readonly string[]> =>
    accepted('pb.Storage/List', await host.call(StorageService.list, { prefix, txn })).keys
  return {
    get: async (key, txn) => accepted('pb.Storage/Get', await host.call(StorageService.get, { key, txn })).entry?.value,
    put: async (key, value, sealWrap, txn) => {
      accepted('pb.Storage/Put', await host.call(StorageService.put, { entry: { key, value, sealWrap }, txn }))
    },
    delete: async (key, txn) => {
      accepted('pb.Storage/Delete', await host.call(StorageService.delete, { key, txn }))
    },
    list: async (prefix, { after, limit }, txn) => {
      if (after === '' && limit === Infinity) return all(prefix, txn)
      if (hasPages) {
        try {
          const page = { prefix, after, limit: Math.min(limit, 2 ** 31 - 1), txn }
          return accepted('pb.Storage/ListPage', await host.call(StorageService.listPage, page)).keys
        } catch (error) {
          if (!isUnimplemented(error)) throw error
          hasPages = false
        }
      }
      const rest = (await all(prefix, txn)).filter((name) => compareBytes(name, after) > 0)
      return limit === Infinity ? rest : rest.slice(0, limit)
    },
    begin: async () => {
      hasTransactions ??= await isTransactional()
      if (!hasTransactions) return undefined
      return accepted('pb.Storage/BeginTx', await host.call(StorageService.beginTx, {})).txn
    },
    commit: async (txn) => {
      accepted('pb.Storage/Commit', await host.call(StorageService.commit, { txn }))
    },
    rollback: async (txn) => {
      accepted('pb.Storage/Rollback', await host.call(StorageService.rollback, { txn }))
    },
  }
}
