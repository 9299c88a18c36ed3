import { PluginError } from '../../errors/index.ts'
import type { CatalogEntry, Inspection, Isolation, Plugins, PluginType } from '../process/plugins.ts'

/** A file to be looked at. */
export interface Candidate {
  readonly name: string
  readonly path: string
  readonly sha256: string
  readonly args?: readonly string[]
  /** Where it is known; else it is found out by trying. */
  readonly type?: PluginType | undefined
  readonly isolation?: Isolation | undefined
  /** Ends the look; the caller closes `plugins`, and the process with them. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Starts a plugin in quarantine, without storage, and tells what it says of itself.
 *
 * Plugins of databases and others expect another greeting, so where `type` is not told, both are tried.
 *
 * @throws {PluginError} of the start that got further.
 */
export async function look(plugins: Plugins, candidate: Candidate): Promise<Inspection> {
  const { signal } = candidate
  if (signal === undefined) return await lookUnheeding(plugins, candidate)
  signal.throwIfAborted()
  const looking = lookUnheeding(plugins, candidate)
  // When it is left behind, it rejects to nobody.
  looking.catch(() => {})
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  return await Promise.race([looking, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

async function lookUnheeding(plugins: Plugins, candidate: Candidate): Promise<Inspection> {
  if (candidate.type !== undefined) return await plugins.inspect(entryOf(candidate, candidate.type))
  try {
    return await plugins.inspect(entryOf(candidate, 'secret'))
  } catch (error) {
    if (!isRefusedStart(error)) throw error
    return await plugins.inspect(entryOf(candidate, 'database')).catch(() => {
      throw error
    })
  }
}

function isRefusedStart(error: unknown): boolean {
  return error instanceof PluginError && error.code === 'ERR_PORTCULLIS_PLUGIN_START'
}

function entryOf({ name, path, sha256, args = [], isolation = 'crash' }: Candidate, type: PluginType): CatalogEntry {
  return { name, type, version: '', command: path, args, env: [], sha256, isBuiltin: false, isolation }
}
