import { PluginError } from '../../errors/index.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Plugins } from '../process/plugins.ts'
import type { Backends } from './backends.ts'
import type { Catalog } from './catalog.ts'
import type { Tell } from './events.ts'
import type { Leases } from './leases.ts'
import type { Mount } from './mount.ts'
import { mountChangeOf, mountSpecOf } from './mount-spec.ts'
import type { MountTable } from './mount-table.ts'
import type { Mounts } from './mounts.ts'
import type { MountChanges, MountOptions, Operator } from './operator.ts'
import { describedAll } from './own/mounts.ts'
import type { OwnRequests } from './own-requests.ts'
import { Refusal, refuse } from './refusal.ts'
import type { Register } from './register.ts'
import { pathBelow } from './requests.ts'
import { askedVersion } from './version.ts'

/** What the operator acts on. */
export interface OperatorDeps {
  readonly catalog: Catalog
  readonly register: Register
  readonly plugins: Plugins
  readonly table: MountTable
  readonly mounts: Mounts
  readonly backends: Backends
  readonly leases: Leases
  readonly ownRequests: Pick<OwnRequests, 'help'>
  readonly tell: Tell
}

export function createOperator(deps: OperatorDeps): Operator {
  const { catalog, mounts, table, leases } = deps
  return {
    register: (plugin) => spoken(() => deps.register(plugin)),
    unregister: (type, name, version = '') =>
      spoken(async () => {
        await catalog.remove(type, name, askedVersion(version))
        deps.tell('plugin-removed', { plugin: name })
      }),
    plugins: () => catalog.all(),
    inspect: (type, name, version = '') =>
      spoken(async () => {
        const entry =
          catalog.find(type, name, askedVersion(version)) ?? (version === '' ? catalog.choose(type, name) : undefined)
        if (entry === undefined) throw refuse(400, `plugin not found in the catalog: ${name}`)
        return deps.plugins.inspect(entry)
      }),
    pin: (type, name, version) => spoken(() => catalog.pin(type, name, askedVersion(version))),
    unpin: (type, name) => spoken(() => catalog.unpin(type, name)),
    pins: () => catalog.pins(),
    mount: (path, options) =>
      spoken(async () => {
        await mounts.enable(kindOf(path), canonical(path), mountSpecOf(dataOf(options)))
      }),
    unmount: (path) => spoken(() => mounts.disable(canonical(path))),
    tune: (path, changes) => spoken(() => mounts.tune(canonical(path), mountChangeOf(changeOf(changes)))),
    remount: (from, to) => spoken(() => mounts.move(canonical(from), canonical(to))),
    mounts: () => ({ secret: describedAll(deps, 'secret'), auth: describedAll(deps, 'auth') }),
    reload: (path) => spoken(() => mounts.restart([found(table, path)])),
    upgrade: (path, version) =>
      spoken(async () => {
        const mount = found(table, path)
        const before = mount.record.version
        await mounts.tune(canonical(path), { version: askedVersion(version), config: {} })
        try {
          await mounts.restart([mount])
        } catch (error) {
          // What ran before is opened with the next call, if not now.
          const back = mounts.tune(canonical(path), { version: before, config: {} }).then(() => mounts.restart([mount]))
          await back.catch(() => undefined)
          throw error
        }
        return before
      }),
    help: (path) =>
      spoken(async () => {
        const mount = table.of(path.endsWith('/') ? path : `${path}/`) ?? table.of(path)
        if (mount === undefined) throw refuse(400, `no mount at ${JSON.stringify(path)}`)
        return deps.ownRequests.help(mount, pathBelow(mount, 'help', path))
      }),
    leases: (prefix = '') => leases.below(prefix).map(({ id }) => id),
    revoke: (prefix) => {
      for (const lease of leases.below(prefix)) leases.revokeSoon(lease)
    },
    dangerouslyForget: async (prefix) => {
      for (const lease of leases.below(prefix)) await leases.drop(lease)
    },
  }
}

/** Refusals in the server's words are for requests; in the process they are errors as any. */
async function spoken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new PluginError('ERR_PORTCULLIS_PLUGIN_INVALID', error.errors[0]?.trim() ?? 'nothing is there')
  }
}

function found(table: MountTable, path: string): Mount {
  const mount = table.at(canonical(path))
  if (mount === undefined) throw refuse(400, `no mount at ${JSON.stringify(canonical(path))}`)
  return mount
}

function canonical(path: string): string {
  return `${path.replace(/\/+$/, '')}/`
}

function kindOf(path: string): 'secret' | 'auth' {
  return path.startsWith('auth/') ? 'auth' : 'secret'
}

/** As the body of `sys/mounts/…`. A plugin of any name may be told a version: the host has no engines of its own to protect. */
function dataOf({ type, version = '', description = '', options = {}, ...ttls }: MountOptions): JsonObject {
  return { type, description, options, allow_version: true, config: { plugin_version: version, ...ttlsOf(ttls) } }
}

function changeOf({ version, description, options, ...ttls }: MountChanges): JsonObject {
  return {
    ...ttlsOf(ttls),
    ...(version === undefined ? {} : { plugin_version: version }),
    ...(description === undefined ? {} : { description }),
    ...(options === undefined ? {} : { options }),
  }
}

function ttlsOf({
  defaultLeaseTtlMs,
  maxLeaseTtlMs,
}: Pick<MountOptions, 'defaultLeaseTtlMs' | 'maxLeaseTtlMs'>): JsonObject {
  return {
    ...(defaultLeaseTtlMs === undefined ? {} : { default_lease_ttl: defaultLeaseTtlMs / 1000 }),
    ...(maxLeaseTtlMs === undefined ? {} : { max_lease_ttl: maxLeaseTtlMs / 1000 }),
  }
}
