import type { MemoryHost } from '../../../../lib/plugin/testing/memory-host.ts'

/** A host without transactions that takes `writes` more changes, and then is gone. */
export function dying(host: MemoryHost, writes: number): MemoryHost {
  let left = writes
  const spend = <A extends unknown[]>(call: (...args: A) => Promise<void>) => {
    return async (...args: A): Promise<void> => {
      if (left <= 0) throw new Error('gone')
      left -= 1
      await call(...args)
    }
  }
  const { storage } = host
  return {
    ...host,
    storage: { ...storage, put: spend(storage.put), delete: spend(storage.delete), begin: async () => undefined },
  }
}
