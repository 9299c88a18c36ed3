import { PluginError } from '../../errors/index.ts'
import type { Store } from '../../ports/store.ts'
import type { CatalogEntry } from '../process/plugins.ts'

/** Refuses to start a plugin that could read the root key of the storage. @throws {PluginError} `_ISOLATION`. */
export type GuardKey = (entry: CatalogEntry) => void

/**
 * A root key in the environment of this process is readable, through `/proc`, to every process of the same user: to
 * plugins of level `crash` among them. Built-in plugins come with the package that holds the key anyway.
 */
export function createGuardKey(storage: Store): GuardKey {
  const isExposed = (storage as { readonly rootKeyKind?: unknown }).rootKeyKind === 'environment'
  return ({ name, isolation, isBuiltin }) => {
    if (!isExposed || isBuiltin || isolation !== 'crash') return
    const message = `the plugin ${JSON.stringify(name)} of isolation level crash could read the root key of the storage in the environment: give the key in a file of another user, or use level uid or sandbox`
    throw new PluginError('ERR_PORTCULLIS_PLUGIN_ISOLATION', message, { plugin: name })
  }
}
