import { PluginError, StorageError } from '../../errors/index.ts'
import type { SystemView } from '../../model/backend.ts'
import type { Store } from '../../ports/store.ts'

/** Storage of a plugin that is only looked at: refuses every call. */
export const NO_STORAGE: Store = Object.freeze({
  get: () => Promise.reject(refused()),
  list: () => Promise.reject(refused()),
  write: () => Promise.reject(refused()),
  close: async () => {},
})

/** What such a plugin may ask: times alone. */
export const NO_VIEW: SystemView = Object.freeze({
  defaultLeaseTtlMs: 2_764_800_000,
  maxLeaseTtlMs: 2_764_800_000,
  tainted: false,
  wrap: () => Promise.reject(new PluginError('ERR_PORTCULLIS_PLUGIN_INVALID', 'a plugin in quarantine may not wrap')),
  password: () => Promise.reject(new PluginError('ERR_PORTCULLIS_PLUGIN_INVALID', 'there are no password policies')),
  entity: async () => undefined,
  clusterId: '00000000-0000-4000-8000-000000000000',
})

function refused(): StorageError {
  return new StorageError('ERR_PORTCULLIS_STORAGE_CLOSED', 'a plugin in quarantine has no storage')
}
