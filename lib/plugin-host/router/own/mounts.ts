import type { JsonObject } from '../../../model/json.ts'
import { mayUseMounts } from '../access.ts'
import type { Backends } from '../backends.ts'
import { textField } from '../fields.ts'
import { describedMount, describedTune, type Mount, type MountKind } from '../mount.ts'
import { mountChangeOf, mountSpecOf } from '../mount-spec.ts'
import type { MountTable } from '../mount-table.ts'
import type { Mounts } from '../mounts.ts'
import { DONE, type Outcome } from '../outcome.ts'
import { refuse, unsupportedOperation, unsupportedPath } from '../refusal.ts'
import type { OwnCall, OwnHandler } from './call.ts'

export interface MountHandlerDeps {
  readonly table: MountTable
  readonly mounts: Mounts
  readonly backends: Backends
}

/** `sys/mounts…` for secrets engines, `sys/auth…` for auth methods. */
export function createMountHandler(deps: MountHandlerDeps, kind: MountKind): OwnHandler {
  const root = kind === 'auth' ? 'auth/' : ''
  return (call) => {
    const rest = call.rest.replace(/\/$/, '')
    if (rest === '') {
      if (call.operation === 'list' || call.operation === 'scan') throw unsupportedPath()
      if (call.operation !== 'read') throw unsupportedOperation()
      return { data: describedAll(deps, kind) }
    }
    if (rest.endsWith('/tune')) return onTune(deps, call, `${root}${rest.slice(0, -'/tune'.length)}/`)
    return onMount(deps, call, kind, `${root}${rest}/`)
  }
}

async function onMount(deps: MountHandlerDeps, call: OwnCall, kind: MountKind, path: string): Promise<Outcome> {
  switch (call.operation) {
    case 'write':
      await deps.mounts.enable(kind, path, mountSpecOf(call.data))
      return DONE
    case 'delete':
      await deps.mounts.disable(path)
      return DONE
    case 'read': {
      const mount = deps.table.at(path)
      if (mount !== undefined) return { data: described(deps, mount) }
      const name = path.slice(kind === 'auth' ? 'auth/'.length : 0)
      throw refuse(400, kind === 'auth' ? `No auth engine at ${name}` : `No secret engine mount at ${name}`)
    }
    default:
      throw unsupportedOperation()
  }
}

async function onTune({ table, mounts, backends }: MountHandlerDeps, call: OwnCall, path: string): Promise<Outcome> {
  if (call.operation === 'write') {
    await mounts.tune(path, mountChangeOf(call.data))
    return DONE
  }
  if (call.operation !== 'read') throw unsupportedOperation()
  const mount = table.at(path)
  if (mount === undefined) throw refuse(400, `cannot fetch sysview for path ${JSON.stringify(path)}`)
  return { data: describedTune(mount, backends.limits(mount)) }
}

/** All mounts of a kind by path, in order; those of auth methods without their `auth/`. */
export function describedAll(deps: Pick<MountHandlerDeps, 'table' | 'backends'>, kind: MountKind): JsonObject {
  const mounts = deps.table.all().filter((mount) => mount.kind === kind)
  mounts.sort((a, b) => (a.record.path < b.record.path ? -1 : 1))
  return Object.fromEntries(mounts.map((mount) => [mount.record.path.replace(/^auth\//, ''), described(deps, mount)]))
}

/** What runs; where nothing does yet, what would. */
export function described({ backends }: Pick<MountHandlerDeps, 'backends'>, mount: Mount): JsonObject {
  if (mount.ready !== undefined) return describedMount(mount, mount.ready)
  try {
    return describedMount(mount, backends.entryOf(mount))
  } catch {
    // Its plugin stands in the catalog no more.
    return describedMount(mount, { version: '', sha256: '' })
  }
}

/** `sys/remount`: done when it is answered. */
export function createRemountHandler({ mounts }: MountHandlerDeps): OwnHandler {
  return async ({ operation, data, requestId }) => {
    if (operation !== 'write') throw unsupportedOperation()
    const [from, to] = [textField(data, 'from'), textField(data, 'to')].map(
      (path) => `${path.replace(/^\/|\/$/g, '')}/`,
    )
    if (from === '/' || to === '/') throw refuse(400, "both 'from' and 'to' path must be specified as a string")
    await mounts.move(from ?? '', to ?? '')
    return { data: { migration_id: requestId } }
  }
}

/** `sys/plugins/reload/backend` and `sys/plugins/reload/:type/:name`. */
export function createReloadHandler({ table, mounts }: MountHandlerDeps): OwnHandler {
  return async ({ operation, rest, data, requestId }) => {
    const [, type = '', name = ''] = /^(secret|auth|database)\/(.+)$/.exec(rest) ?? []
    if ((rest !== 'backend' && name === '') || operation === 'list' || operation === 'scan') throw unsupportedPath()
    if (operation !== 'write') throw unsupportedOperation()
    if (!['', 'global'].includes(textField(data, 'scope'))) throw refuse(400, 'scope must be unset or "global"')
    const plugin = name || textField(data, 'plugin')
    const paths = Array.isArray(data.mounts)
      ? data.mounts.map(String)
      : textField(data, 'mounts').split(',').filter(Boolean)
    if (plugin !== '' && paths.length > 0) throw refuse(400, 'plugin and mounts cannot be set at the same time')
    if (plugin === '' && paths.length === 0) throw refuse(400, 'plugin or mounts must be provided')
    await mounts.restart(chosen(table, plugin, type, paths))
    return { data: { reload_id: requestId } }
  }
}

function chosen(table: MountTable, plugin: string, type: string, paths: readonly string[]): readonly Mount[] {
  if (plugin !== '') {
    const found = table.all().filter(({ record }) => record.type === plugin && (type === '' || record.kind === type))
    if (found.length === 0) throw refuse(400, `plugin not found in the catalog: ${JSON.stringify(plugin)}`)
    return found
  }
  return paths.map((asked) => {
    const path = `${asked.replace(/\/$/, '')}/`
    const mount = table.at(path)
    if (mount === undefined)
      throw refuse(400, `1 error occurred:\n\t* cannot fetch mount entry on ${JSON.stringify(path)}\n\n`)
    return mount
  })
}

/**
 * `sys/internal/ui/mounts` and `…/:path`: which mount serves a path, for clients that adapt to it. As in the servers a
 * token sees the mounts that it may use.
 */
export function createUiMountsHandler(deps: MountHandlerDeps): OwnHandler {
  return ({ operation, rest, token }) => {
    if (operation !== 'read') throw unsupportedOperation()
    if (rest === '') return { data: { auth: describedAll(deps, 'auth'), secret: describedAll(deps, 'secret') } }
    const mount = token !== undefined && mayUseMounts(token) ? deps.table.of(rest) : undefined
    if (mount?.record.tainted === false) return { data: { ...described(deps, mount), path: mount.record.path } }
    const path = JSON.stringify(`${rest.replace(/\/$/, '')}/`)
    throw refuse(
      403,
      `preflight capability check returned 403, please ensure client's policies grant access to path ${path}`,
    )
  }
}
