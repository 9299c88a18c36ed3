import type { CatalogEntry, PluginType } from '../process/plugins.ts'

/** A plugin that comes with the package: a file to run, or an engine inside the host. */
export interface Builtin {
  readonly name: string
  readonly type: PluginType
  /** File to run; empty for an engine inside the host. */
  readonly command: string
  readonly args: readonly string[]
}

/** Version that built-in plugins are told to have. */
export const BUILTIN_VERSION = 'v0.1.0+builtin.portcullis'

/** The entry of a built-in plugin. It has no hash: who can change it can change the host itself. */
export function builtinEntry({ name, type, command, args }: Builtin): CatalogEntry {
  return Object.freeze({
    ...{ name, type, command, args },
    version: BUILTIN_VERSION,
    env: Object.freeze([]),
    sha256: '',
    isBuiltin: true,
    isolation: 'crash' as const,
  })
}
