import { PluginError } from '../../errors/index.ts'
import type { CatalogEntry, Inspection, Isolation, Plugins, PluginType } from '../process/plugins.ts'
import type { Catalog } from './catalog.ts'
import type { Tell } from './events.ts'
import type { GuardKey } from './exposure.ts'
import { refuse } from './refusal.ts'
import { askedVersion, canonicalVersion } from './version.ts'

/** A plugin as it is registered. */
export interface PluginSpec {
  /**
   * 1 to 128 letters, digits, `_`, `.`, `-`. One that has the name of a built-in plugin, such as `kv`, takes its place for new
   * mounts; without a version also for mounts that run the built-in one, from their next start.
   */
  readonly name: string
  readonly type: PluginType
  /** Semantic version; default: what the plugin reports of itself, if anything. */
  readonly version?: string
  /** Path of the file to run. */
  readonly command: string
  readonly args?: readonly string[]
  /** `NAME=value`, on top of the scrubbed environment. */
  readonly env?: readonly string[]
  /** Of the file, in hex. */
  readonly sha256: string
  /** Default: the host's. */
  readonly isolation?: Isolation
}

/**
 * Takes a plugin into the catalog: it is started once in quarantine, so that a wrong file, hash or version is seen now.
 *
 * @throws {Refusal} 400 or 500 in the server's words. Nothing was changed.
 */
export type Register = (spec: PluginSpec) => Promise<CatalogEntry>

export interface RegisterDeps {
  readonly catalog: Catalog
  readonly plugins: Plugins
  readonly tell: Tell
  readonly isolation: Isolation
  readonly guardKey: GuardKey
}

const NAME = /^[\w.-]{1,128}$/

export function createRegister({ catalog, plugins, tell, isolation, guardKey }: RegisterDeps): Register {
  return async (spec) => {
    const entry = entryOf(spec, isolation)
    const known = catalog.find(entry.type, entry.name, entry.version)
    if (known !== undefined && isSame(known, entry)) return known
    guardKey(entry)
    const inspection = await inspected(plugins, entry)
    if (inspection.type !== entry.type)
      throw refuse(400, `plugin ${entry.name} is of type ${inspection.type}, not ${entry.type}`)
    const reported = canonicalVersion(inspection.version) ?? ''
    if (entry.version !== '' && reported !== '' && reported !== entry.version)
      throw refuse(
        400,
        `plugin version mismatch: ${entry.name} reported version (${reported}) did not match requested version (${entry.version})`,
      )
    const versioned = { ...entry, version: entry.version || reported }
    await catalog.put(versioned)
    tell('plugin-registered', { plugin: entry.name })
    return versioned
  }
}

function entryOf(spec: PluginSpec, isolation: Isolation): CatalogEntry {
  if (!NAME.test(spec.name)) throw refuse(400, 'missing or malformed plugin name')
  if (spec.sha256 === '') throw refuse(400, 'missing SHA-256 value')
  if (spec.command === '') throw refuse(400, 'missing command value')
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(spec.sha256)) throw refuse(400, 'Could not decode SHA-256 value from Hex')
  if (spec.sha256.length !== 64) throw refuse(400, 'Decoded SHA-256 value is not 32 bytes')
  return Object.freeze({
    name: spec.name,
    type: spec.type,
    version: askedVersion(spec.version ?? ''),
    command: spec.command,
    args: Object.freeze([...(spec.args ?? [])]),
    env: Object.freeze([...(spec.env ?? [])]),
    sha256: spec.sha256.toLowerCase(),
    isBuiltin: false,
    isolation: spec.isolation ?? isolation,
  })
}

async function inspected(plugins: Plugins, entry: CatalogEntry): Promise<Inspection> {
  try {
    return await plugins.inspect(entry)
  } catch (error) {
    if (!(error instanceof PluginError)) throw error
    // The message is ours, and names no secret: it says what to mend.
    throw refuse(error.code === 'ERR_PORTCULLIS_PLUGIN_HASH' ? 400 : 500, error.message)
  }
}

function isSame(a: CatalogEntry, b: CatalogEntry): boolean {
  return JSON.stringify({ ...a, version: '' }) === JSON.stringify({ ...b, version: '' })
}
