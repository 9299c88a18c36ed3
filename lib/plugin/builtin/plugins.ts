import type { Plugin } from '../definition.ts'
import { createKv, versionIn } from './kv/kv.ts'
import { postgresql } from './postgresql/plugin.ts'
import { transit } from './transit/plugin.ts'

/** The plugins that come with portcullis; `args` are those of their process. */
export function builtinPlugins(args: readonly string[]): readonly Plugin[] {
  const version = versionIn(args)
  return [createKv(version === undefined ? {} : { version }), transit, postgresql]
}
