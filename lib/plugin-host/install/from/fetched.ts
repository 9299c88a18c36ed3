import type { PluginType } from '../../process/plugins.ts'

/** A plugin file that lies in the staging folder, and what its source says of it. */
export interface Fetched {
  /** Of the file, in the staging folder. */
  readonly path: string
  readonly sha256: string
  readonly name: string
  readonly type?: PluginType
  /** With leading `v`; `''` where the source has none. */
  readonly version: string
  readonly integrity?: string
  readonly toolchain?: string
}

/** What fetching takes from outside. */
export interface FetchContext {
  /** Empty folder, on the file system of the plugins, that is removed in any case. */
  readonly stage: string
  /** What paths of files are relative to: the folder of the lock. */
  readonly base: string
  readonly env: NodeJS.ProcessEnv
  /** Told before long steps, and meanwhile. */
  readonly progress: (message: string) => void
  readonly signal: AbortSignal | undefined
  /** Toolchain that the lock names, when it is restored. */
  readonly toolchain?: string | undefined
}
