import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PolicyLoadError } from 'portcullis'
import { documentFaults, locateIn, parsePolicyText } from 'portcullis/policy'
import schema from '../../../schemas/config.schema.json' with { type: 'json' }
import type { SidecarConfig } from './config.ts'
import { contradictions } from './contradictions.ts'
import { resolvePaths } from './paths.ts'

/** One thing that is wrong with a configuration. */
export interface ConfigFault {
  /** JSON pointer; empty for the whole. */
  readonly pointer: string
  readonly message: string
  /** From 1; where it is known. */
  readonly line?: number
  readonly column?: number
}

/** A configuration that cannot be used: all that is wrong with it. */
export class ConfigError extends Error {
  readonly code = 'ERR_CONFIG_INVALID'
  readonly file: string
  readonly faults: readonly ConfigFault[]

  constructor(file: string, faults: readonly ConfigFault[]) {
    super(`${file}: ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}`)
    this.file = file
    this.faults = faults
  }
}

/**
 * Reads and checks the configuration in `file`. Paths in it are relative to its folder.
 *
 * Reads nothing else: files that it names are found missing when the sidecar starts.
 *
 * @throws {ConfigError} with every fault, and the error of the file system.
 */
export async function readConfig(file: string): Promise<SidecarConfig> {
  return resolvePaths(await parseConfig(file, await readFile(file, 'utf8')), dirname(file))
}

/** The configuration in `text`, checked. @throws {ConfigError} */
export async function parseConfig(file: string, text: string): Promise<SidecarConfig> {
  const document = documentIn(file, text)
  const locate = locateIn(text)
  const placed = (fault: ConfigFault): ConfigFault => ({ ...fault, ...locate(fault.pointer) })
  const faults = await documentFaults(file, document, schema)
  if (faults.length > 0) throw new ConfigError(file, faults.map(placed))
  const config = document as SidecarConfig
  const found = contradictions(config)
  if (found.length > 0) throw new ConfigError(file, found.map(placed))
  return config
}

function documentIn(file: string, text: string): unknown {
  try {
    return parsePolicyText(file, text).document
  } catch (error) {
    if (!(error instanceof PolicyLoadError)) throw error
    throw new ConfigError(file, [{ pointer: '', message: error.message.replace(`${file}: `, '') }])
  }
}
