import { loadWire } from '../wire/load.ts'
import type { PluginsOptions } from './config.ts'
import type { Plugins } from './plugins.ts'

/**
 * Runs plugins as processes, once what speaks to them is loaded.
 *
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_PACKAGE`: an optional package is not installed.
 * @throws {TypeError|RangeError} naming the option.
 */
export async function openPlugins(options: PluginsOptions): Promise<Plugins> {
  const { createPlugins } = await loadWire(() => import('./create-plugins.ts'))
  return createPlugins(options)
}
