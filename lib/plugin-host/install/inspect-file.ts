import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { openPlugins } from '../process/open-plugins.ts'
import type { Inspection, Isolation, PluginType } from '../process/plugins.ts'
import { installError, reasonOf } from './failure.ts'
import { hashFile } from './hash-file.ts'
import { look } from './look.ts'
import { quarantineIn } from './quarantine.ts'

/** How {@link inspectFile} starts the file. */
export interface InspectFileOptions {
  readonly args?: readonly string[]
  /** Default: found out by trying. */
  readonly type?: PluginType
  /** Default `crash`. */
  readonly isolation?: Isolation
  /** From its start to its handshake, and for each step; milliseconds. Default 60,000. */
  readonly startTimeoutMs?: number
  readonly signal?: AbortSignal
}

/** What a file is, by its own words; see {@link Inspection}. */
export interface FileInspection extends Inspection {
  readonly sha256: string
}

/**
 * Starts a plugin that nobody has registered, in quarantine, and tells what it says of itself. It runs as this user.
 *
 * @throws {PluginError} the file cannot be read (`ERR_PORTCULLIS_PLUGIN_INSTALL`), or is no plugin (`ERR_PORTCULLIS_PLUGIN_START`, …);
 *   `ERR_PORTCULLIS_PLUGIN_PACKAGE`: an optional package is not installed.
 */
export async function inspectFile(path: string, options: InspectFileOptions = {}): Promise<FileInspection> {
  const file = resolve(path)
  const sha256 = await hashFile(file).catch((cause: unknown) => {
    const why = cause instanceof RangeError ? `it ${cause.message}` : reasonOf(cause)
    throw installError(`${path} cannot be inspected: ${why}`, { cause })
  })
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-inspect-'))
  const { startTimeoutMs, ...rest } = options
  const time = startTimeoutMs === undefined ? {} : { startTimeoutMs }
  const plugins = await openPlugins({ ...quarantineIn(folder), ...time })
  try {
    return { sha256, ...(await look(plugins, { name: basename(path), path: file, sha256, ...rest })) }
  } finally {
    await plugins.close()
    await rm(folder, { recursive: true, force: true })
  }
}
