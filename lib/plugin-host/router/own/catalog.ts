import type { JsonObject } from '../../../model/json.ts'
import type { CatalogEntry, Isolation, PluginType } from '../../process/plugins.ts'
import type { Catalog } from '../catalog.ts'
import type { Tell } from '../events.ts'
import { listField, textField } from '../fields.ts'
import { DONE, type Outcome } from '../outcome.ts'
import { refuse, unsupportedOperation, unsupportedPath, wrapped } from '../refusal.ts'
import type { PluginSpec, Register } from '../register.ts'
import { askedVersion, compareVersions } from '../version.ts'
import type { OwnCall, OwnHandler } from './call.ts'

export interface CatalogHandlerDeps {
  readonly catalog: Catalog
  readonly register: Register
  readonly tell: Tell
}

const TYPES: readonly PluginType[] = ['auth', 'database', 'secret']

/** `sys/plugins/catalog…` and `sys/plugins/pins…`. */
export function createCatalogHandler(deps: CatalogHandlerDeps): OwnHandler {
  return (call) => {
    const [what = '', typeText = '', ...names] = call.rest.replace(/\/$/, '').split('/')
    const name = names.join('/')
    if (what !== 'pins' && what !== 'catalog') throw unsupportedPath()
    if (typeText === '') {
      if (what === 'pins' && ['read', 'list'].includes(call.operation))
        return { data: { pinned_versions: deps.catalog.pins().map((pin) => ({ ...pin })) } }
      if (what === 'catalog' && call.operation === 'read') return { data: everything(deps.catalog) }
      throw unsupportedOperation()
    }
    const type = TYPES.find((known) => known === typeText)
    if (type === undefined) throw refuse(400, `unknown plugin type ${JSON.stringify(typeText)}`)
    if (what === 'pins') return onPin(deps, call, type, name)
    return name === '' ? namesOf(deps.catalog, call, type) : onEntry(deps, call, type, name)
  }
}

async function onEntry(deps: CatalogHandlerDeps, call: OwnCall, type: PluginType, name: string): Promise<Outcome> {
  const { catalog, register, tell } = deps
  const version = askedVersion(textField(call.data, 'version'))
  switch (call.operation) {
    case 'write':
      await register(specOf(call.data, type, name))
      return DONE
    case 'delete':
      await catalog.remove(type, name, version)
      tell('plugin-removed', { plugin: name })
      return DONE
    case 'read':
      return { data: described(found(catalog, type, name, version)) }
    default:
      throw unsupportedOperation()
  }
}

/** A body as it is registered. A command with spaces is split into arguments, but not beside `args`. */
function specOf(data: JsonObject, type: PluginType, name: string): PluginSpec {
  const given = listOf(data, 'args')
  const words = textField(data, 'command')
    .split(' ')
    .filter((word) => word !== '')
  if (words.length > 1 && given.length > 0) throw refuse(400, 'must not specify args in command and args field')
  if ((words[0] ?? '').split('/').includes('..')) throw refuse(500, wrapped('path cannot contain parent references'))
  const isolation = textField(data, 'isolation')
  if (!['', 'crash', 'uid', 'sandbox'].includes(isolation)) throw refuse(400, 'isolation must be crash, uid or sandbox')
  return {
    name,
    type,
    version: textField(data, 'version'),
    command: words[0] ?? '',
    args: words.length > 1 ? words.slice(1) : given,
    env: listOf(data, 'env'),
    sha256: textField(data, 'sha256') || textField(data, 'sha_256'),
    ...(isolation === '' ? {} : { isolation: isolation as Isolation }),
  }
}

/** An array as it stands: arguments may hold commas. */
function listOf(data: JsonObject, name: string): readonly string[] {
  return Array.isArray(data[name])
    ? (listField(data, name) ?? [])
    : textField(data, name) === ''
      ? []
      : [textField(data, name)]
}

function found(catalog: Catalog, type: PluginType, name: string, version: string): CatalogEntry {
  const entry = catalog.find(type, name, version)
  if (entry === undefined) throw refuse(404)
  return entry
}

/** An entry as it is told; its environment never is, nor how built-in ones are run. */
function described(entry: CatalogEntry): JsonObject {
  return {
    args: entry.isBuiltin || entry.args.length === 0 ? null : entry.args,
    builtin: entry.isBuiltin,
    command: entry.isBuiltin ? '' : entry.command,
    declarative: false,
    ...(entry.isBuiltin ? { deprecation_status: 'supported' } : {}),
    name: entry.name,
    oci: false,
    sha256: entry.sha256,
    version: entry.version,
  }
}

function namesOf(catalog: Catalog, { operation }: OwnCall, type: PluginType): Outcome {
  if (operation !== 'list') throw unsupportedOperation()
  const keys = namesIn(catalog, type)
  if (keys.length === 0) throw refuse(404)
  return { data: { keys } }
}

function namesIn(catalog: Catalog, type: PluginType): readonly string[] {
  const names = catalog.all().filter((entry) => entry.type === type)
  return [...new Set(names.map(({ name }) => name))].sort()
}

function everything(catalog: Catalog): JsonObject {
  const detailed = [...catalog.all()].sort(
    (a, b) => order(a.type, b.type) || order(a.name, b.name) || compareVersions(a.version, b.version),
  )
  return {
    ...Object.fromEntries(TYPES.map((type) => [type, namesIn(catalog, type)])),
    detailed: detailed.map(({ name, type, version, isBuiltin, sha256 }) => ({
      builtin: isBuiltin,
      ...(isBuiltin ? { deprecation_status: 'supported' } : { sha256 }),
      name,
      type,
      version,
    })),
  }
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

async function onPin({ catalog }: CatalogHandlerDeps, call: OwnCall, type: PluginType, name: string): Promise<Outcome> {
  if (name === '') throw unsupportedPath()
  if (call.operation === 'write') {
    await catalog.pin(type, name, askedVersion(textField(call.data, 'version')))
    return DONE
  }
  if (call.operation === 'delete') {
    await catalog.unpin(type, name)
    return DONE
  }
  const version = catalog.pinned(type, name)
  if (version === undefined) throw refuse(404)
  return { data: { name, type, version } }
}
