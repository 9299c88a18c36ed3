import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'
import type { PluginType } from '../process/plugins.ts'
import { canonicalVersion, compareVersions } from '../router/version.ts'
import { lockError } from './failure.ts'

/** A plugin as `plugins.lock.json` pins it. */
export interface LockedPlugin {
  readonly name: string
  readonly type: PluginType
  /** Semantic version with leading `v`; `''` for an unversioned one. */
  readonly version: string
  /** Where it came from; a file relative to the folder of the lock. */
  readonly source: string
  /** Of the file that is run; lower-case hex. */
  readonly sha256: string
  /** Of what it came in: sha512 of the npm tarball (`sha512-…`), or Go's sum of the module (`h1:…`). */
  readonly integrity?: string
  /** Builds of other toolchains have other bytes: `go1.26.0 linux/amd64`. */
  readonly toolchain?: string
}

/** Most plugins of one lock. */
const MAX_PLUGINS = 1000
/** Names of plugins: those of the catalog that are no hidden files. */
export const PLUGIN_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const TYPES: readonly unknown[] = ['secret', 'auth', 'database'] satisfies readonly PluginType[]
const FIELDS: ReadonlySet<string> = new Set(['name', 'type', 'version', 'source', 'sha256', 'integrity', 'toolchain'])
const MAX_TEXT = 4096

/**
 * Reads the text of a lock.
 *
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_LOCK`, naming what is wrong in it.
 */
export function parseLock(file: string, text: string): readonly LockedPlugin[] {
  const lock = parseObjectText(text)
  if (lock === undefined) throw lockError(`${file} is no JSON object: restore it from version control`)
  if (lock.lockVersion !== 1) throw lockError(`${file} has not lockVersion 1: it is of another release of portcullis`)
  if (!Array.isArray(lock.plugins) || lock.plugins.length > MAX_PLUGINS)
    throw lockError(`${file}: plugins must be a list of at most ${MAX_PLUGINS}`)
  const plugins = lock.plugins.map((entry, at) => lockedPlugin(`${file}: plugins[${at}]`, entry))
  const keys = new Set(plugins.map(keyOf))
  if (keys.size !== plugins.length) throw lockError(`${file} has two entries of the same name and version`)
  return plugins
}

function lockedPlugin(place: string, entry: unknown): LockedPlugin {
  if (!isJsonObject(entry)) throw lockError(`${place} is no object`)
  const unknown = Object.keys(entry).find((name) => !FIELDS.has(name))
  if (unknown !== undefined) throw lockError(`${place} has an unknown field ${JSON.stringify(unknown.slice(0, 64))}`)
  const { name, type, version, sha256 } = entry
  if (typeof name !== 'string' || !PLUGIN_NAME.test(name)) throw lockError(`${place}.name is no name of a plugin`)
  if (!TYPES.includes(type)) throw lockError(`${place}.type must be secret, auth or database`)
  if (typeof version !== 'string' || (version !== '' && canonicalVersion(version) !== version))
    throw lockError(`${place}.version is no semantic version with leading v`)
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw lockError(`${place}.sha256 must be 64 hex digits`)
  return Object.freeze({
    name,
    type: type as PluginType,
    version,
    source: text(place, entry, 'source') ?? missing(`${place}.source`),
    sha256,
    ...optional(place, entry, 'integrity'),
    ...optional(place, entry, 'toolchain'),
  })
}

function optional(place: string, entry: JsonObject, name: 'integrity' | 'toolchain'): Partial<LockedPlugin> {
  const value = text(place, entry, name)
  return value === undefined ? {} : { [name]: value }
}

function text(place: string, entry: JsonObject, name: string): string | undefined {
  const value = entry[name]
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '' && value.length <= MAX_TEXT) return value
  throw lockError(`${place}.${name} must be a text of at most ${MAX_TEXT} characters`)
}

function missing(place: string): never {
  throw lockError(`${place} is missing`)
}

/** The same plugins always give the same text, so that a lock differs where its plugins do. */
export function lockText(plugins: readonly LockedPlugin[]): string {
  const sorted = [...plugins].sort((a, b) => order(a.name, b.name) || compareVersions(a.version, b.version))
  const entries = sorted.map(({ name, type, version, source, sha256, integrity, toolchain }) => ({
    ...{ name, type, version, source, sha256 },
    ...(integrity === undefined ? {} : { integrity }),
    ...(toolchain === undefined ? {} : { toolchain }),
  }))
  const $schema = 'https://portcullis.dev/schemas/plugins-lock.schema.json'
  return `${JSON.stringify({ $schema, lockVersion: 1, plugins: entries }, undefined, 2)}\n`
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** What is told apart: several versions of a plugin may be installed, so that one can be rolled back to. */
export function keyOf({ name, version }: Pick<LockedPlugin, 'name' | 'version'>): string {
  return `${name}@${version}`
}
