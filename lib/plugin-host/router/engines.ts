import { PluginError } from '../../errors/index.ts'
import type { DatabaseDriver } from '../../model/database.ts'
import { databaseEngine } from '../database/engine.ts'
import type { Plugins } from '../process/plugins.ts'
import type { Engine } from './backends.ts'
import type { Builtin } from './builtins.ts'
import type { Catalog } from './catalog.ts'
import type { Context } from './context.ts'
import { codeOf } from './events.ts'

/** Engines that live in the host, as entries of its catalog. */
export const ENGINE_BUILTINS: readonly Builtin[] = Object.freeze([
  Object.freeze({ name: 'database', type: 'secret', command: '', args: [] } as const),
])

/** What answers for a mount without a process of its own, by name. */
export function createEngines(context: Context, catalog: Catalog, plugins: Plugins): ReadonlyMap<string, Engine> {
  const { clock, random, tell } = context
  const openDriver = async (name: string, version: string): Promise<DatabaseDriver> => {
    const entry = version === '' ? catalog.choose('database', name) : catalog.find('database', name, version)
    if (entry !== undefined) return plugins.database(entry)
    const what = version === '' ? name : `${name} ${version}`
    throw new PluginError('ERR_PORTCULLIS_PLUGIN_UNKNOWN', `no database plugin ${what} stands in the catalog`, {
      plugin: name,
    })
  }
  const diagnostics = {
    warn: (_: string, fields: Readonly<Record<string, string | number | boolean>> = {}): void =>
      tell('work-failed', { path: String(fields.mount ?? ''), plugin: 'database', code: codeOf(fields) }),
  }
  return new Map([['database', databaseEngine({ openDriver, clock, random, diagnostics })]])
}
