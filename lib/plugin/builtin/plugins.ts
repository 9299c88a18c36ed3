import type { Plugin } from '../definition.ts'
import { createKv, versionIn } from './kv/kv.ts'
import { postgresql } from './postgresql/plugin.ts'
import { transit } from './transit/plugin.ts'

/**
 * The plugins that come with portcullis; `args` are those of their process.
 *
 * With `--version=1|2` it is a process of kv alone, whatever name the catalog of a server has for it.
 */
export function builtinPlugins(args: readonly string[]): readonly Plugin[] {
  const version = versionIn(args)
  return version === undefined ? [createKv(), transit, postgresql] : [createKv({ version })]
}
