import type { Backends } from './backends.ts'
import { storageOf } from './backends.ts'
import type { Catalog } from './catalog.ts'
import type { Context } from './context.ts'
import { removeAll } from './documents.ts'
import { createLimiter } from './limiter.ts'
import type { Mount, MountConfig, MountKind, MountRecord } from './mount.ts'
import type { MountChange, MountSpec } from './mount-spec.ts'
import type { MountTable } from './mount-table.ts'
import { randomHex } from './names.ts'
import { refuse, wrapped } from './refusal.ts'

export interface MountsDeps {
  readonly context: Context
  readonly table: MountTable
  readonly catalog: Catalog
  readonly backends: Backends
  /** Once more before a mount goes. Never rejects. */
  rollback(mount: Mount): Promise<void>
  /** Ends leases and tokens of a mount. @throws {Refusal} what cannot be revoked. */
  clear(mount: Mount): Promise<void>
}

/** First segments that are the host's own. */
const RESERVED: readonly string[] = ['sys/', 'cubbyhole/', 'identity/', 'audit/', 'auth/token/', 'internal/']
/** How long a reload waits for calls on their way. */
const DRAIN_LIMIT_MS = 10_000

/** Enables, changes, moves and disables mounts. Paths end in `/`; those of auth methods begin with `auth/`. */
export class Mounts {
  readonly #deps: MountsDeps
  /**
   * One change at a time: of one mount, whose plugin may hang in it, and, by the name `''`, of the paths of all. Who has
   * the turn of a mount may wait for that of the paths; never the other way round.
   */
  readonly #turns = createLimiter(1)

  constructor(deps: MountsDeps) {
    this.#deps = deps
  }

  /** @throws {Refusal} 400 in the server's words; {PluginError} the plugin does not start. Nothing was enabled. */
  enable(kind: MountKind, path: string, spec: MountSpec): Promise<Mount> {
    const uuid = this.#deps.context.random.uuid()
    return this.#turns(uuid, () => this.#enable(uuid, kind, path, spec))
  }

  async #enable(uuid: string, kind: MountKind, path: string, spec: MountSpec): Promise<Mount> {
    const { context, table, catalog, backends } = this.#deps
    const { random, tell } = context
    const mount = await this.#turns('', () => {
      this.#checkPath(kind, path)
      checkNewTtls(spec.config, context)
      const version = this.#versionFor(kind, spec, catalog)
      const accessor = `${kind === 'auth' ? 'auth_' : ''}${spec.type}_${randomHex(random)}`
      const uuids = { uuid, backendUuid: random.uuid() }
      return table.add({ ...spec, kind, path, version, accessor, ...uuids, tainted: false })
    })
    try {
      // A plugin that does not come up is to be seen by who enables it.
      await backends.open(mount)
    } catch (error) {
      await backends.stop(mount)
      await removeAll(context.store, storageOf(mount.record.uuid))
      await table.remove(mount)
      throw error
    }
    tell('mount-enabled', { path, plugin: spec.type })
    return mount
  }

  /** Ends a mount and all that belongs to it. No mount there is no error, as in the servers. @throws {Refusal} 400: leases that cannot be revoked. */
  disable(path: string): Promise<void> {
    return this.#ofMount(path, (mount) => this.#disable(path, mount))
  }

  async #disable(path: string, mount: Mount | undefined): Promise<void> {
    const { table, context, backends, rollback, clear } = this.#deps
    if (path === 'auth/token/') throw refuse(400, 'token credential backend cannot be disabled')
    if (RESERVED.includes(path)) throw refuse(400, `cannot unmount ${JSON.stringify(path)}`)
    if (mount === undefined) return
    if (!mount.record.tainted) await table.change(mount, { tainted: true })
    // What is on its way may mint what has to be revoked, too.
    await this.#alone(mount, async () => {
      await rollback(mount)
      await clear(mount)
      await backends.stop(mount)
    })
    await removeAll(context.store, storageOf(mount.record.uuid))
    await table.remove(mount)
    context.tell('mount-disabled', { path, plugin: mount.record.type })
  }

  /** @throws {Refusal} 400. */
  tune(path: string, change: MountChange): Promise<void> {
    return this.#ofMount(path, () => this.#tune(path, change))
  }

  async #tune(path: string, change: MountChange): Promise<void> {
    const { table, context } = this.#deps
    const mount = this.#live(path)
    if (mount === undefined) throw refuse(400, `tune of path ${JSON.stringify(path)} failed: no mount entry found`)
    const { record } = mount
    const config = { ...record.config, ...change.config, lists: { ...record.config.lists, ...change.config.lists } }
    checkTtls(config, context)
    checkKvVersion(record.options, change.options)
    if (change.config.tokenType !== undefined && record.kind !== 'auth')
      throw refuse(400, "'token_type' can only be modified on auth mounts")
    const version = change.version ?? record.version
    if (change.version !== undefined) this.#checkVersion(record.kind, record.type, version)
    const options = { ...record.options, ...change.options }
    const description = change.description ?? record.description
    await table.change(mount, { config, version, options, description })
    context.tell('mount-tuned', { path, plugin: record.type })
    // A kv mount that becomes version 2 runs on as version 1 until it is told.
    if (change.options !== undefined && record.type === 'kv') await this.reload(mount)
  }

  /**
   * Moves a mount; its storage and uuids stay what they were. As in the servers its leases and logins end: their ids
   * begin with a path that another mount may take.
   *
   * @throws {Refusal} 400: also where leases cannot be revoked; the mount stays where it was.
   */
  move(from: string, to: string): Promise<void> {
    return this.#ofMount(from, () => this.#move(from, to))
  }

  async #move(from: string, to: string): Promise<void> {
    const { table, context, clear, rollback } = this.#deps
    const mount = this.#live(from)
    if (mount === undefined) throw refuse(400, `no matching mount at ${JSON.stringify(from)}`)
    if (from.startsWith('auth/') !== to.startsWith('auth/') || isReserved(to))
      throw refuse(400, `cannot remount to destination ${to}`)
    const conflict = table.conflict(to)
    if (conflict !== undefined) throw refuse(400, `path already in use at ${JSON.stringify(conflict.record.path)}`)
    this.#checkPath(mount.kind, to)
    const { record } = mount
    await this.#alone(mount, async () => {
      await rollback(mount)
      await clear(mount)
      await this.#turns('', async () => {
        this.#checkPath(mount.kind, to)
        await table.change(mount, { path: to })
      })
    })
    context.tell('mount-moved', { path: to, plugin: record.type })
    await this.reload(mount)
  }

  /** {@link reload}s what an operator has chosen, in a process that is none of those that run. @throws {Refusal} 400: nothing in the catalog to run. */
  async restart(mounts: readonly Mount[]): Promise<void> {
    const { backends } = this.#deps
    for (const mount of mounts) {
      try {
        backends.retire(backends.entryOf(mount))
      } catch {
        const { path, type, version } = mount.record
        const why = `plugin not found in the catalog: ${type}${version === '' ? '' : `, version=${version}`}`
        throw refuse(400, wrapped(`cannot reload plugin on ${JSON.stringify(path)}: ${why}`))
      }
    }
    for (const mount of mounts) await this.reload(mount)
  }

  /** Leaves the process behind a mount, once its calls are through, and opens what the catalog says now. */
  async reload(mount: Mount): Promise<void> {
    const { backends, context } = this.#deps
    await this.#alone(mount, async () => {
      const wasRunning = mount.running !== undefined
      await backends.stop(mount)
      // It may have gone while it was waited for.
      if (wasRunning && this.#live(mount.record.path) === mount) await backends.open(mount)
    })
    context.tell('mount-reloaded', { path: mount.record.path, plugin: mount.record.type })
  }

  /** In the turn of the mount at `path`, if there is one. */
  #ofMount(path: string, work: (mount: Mount | undefined) => Promise<void>): Promise<void> {
    const { table } = this.#deps
    const mount = table.at(path)
    if (mount === undefined) return work(undefined)
    return this.#turns(mount.record.uuid, () => work(table.at(path) === mount ? mount : undefined))
  }

  #alone(mount: Mount, work: () => Promise<void>): Promise<void> {
    return mount.gate.alone(work, this.#drained())
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => this.#deps.context.clock.after(DRAIN_LIMIT_MS, resolve))
  }

  #live(path: string): Mount | undefined {
    const mount = this.#deps.table.at(path)
    return mount?.record.tainted === false ? mount : undefined
  }

  #checkPath(kind: MountKind, path: string): void {
    const isAuth = path.startsWith('auth/')
    const name = isAuth ? path.slice('auth/'.length) : path
    const isOdd = name === '/' || name === '' || /\/\/|[\0-\x1f\x7f]|(?:^|\/)\.{1,2}\//.test(path)
    if (isOdd || isAuth !== (kind === 'auth') || isReserved(path))
      throw refuse(400, `cannot mount ${JSON.stringify(path)}`)
    const conflict = this.#deps.table.conflict(path)
    if (conflict !== undefined) throw refuse(400, `path is already in use at ${shown(conflict.record)}`)
  }

  #versionFor(kind: MountKind, spec: MountSpec, catalog: Catalog): string {
    if (spec.version !== '') this.#checkVersion(kind, spec.type, spec.version)
    const entry = spec.version === '' ? catalog.choose(kind, spec.type) : catalog.find(kind, spec.type, spec.version)
    if (entry === undefined) throw refuse(400, `plugin not found in the catalog: ${spec.type}`)
    return entry.isBuiltin ? spec.version : entry.version
  }

  /** May a mount be told to run this version? @throws {Refusal} 400. */
  #checkVersion(kind: MountKind, type: string, version: string): void {
    const { catalog } = this.#deps
    const pinned = catalog.pinned(kind, type)
    if (pinned !== undefined && pinned !== version)
      throw refuse(400, `${kind} plugin ${type} is pinned to version ${pinned}: delete the pin first`)
    if (catalog.find(kind, type, version) !== undefined) return
    if (version === '') throw refuse(400, 'version "" is not a valid semantic version: malformed version: ')
    throw refuse(400, `plugin not found in the catalog: ${type}, version=${version}`)
  }
}

function isReserved(path: string): boolean {
  return RESERVED.some((own) => path.startsWith(own))
}

/** What became version 2 stays it: version 1 would not find what is stored. @throws {Refusal} 400. */
function checkKvVersion(options: MountRecord['options'], change: MountChange['options']): void {
  if (change?.version === undefined || options.version !== '2' || change.version === '2') return
  throw refuse(400, 'cannot downgrade mount from version 2')
}

function shown({ path }: MountRecord): string {
  return path
}

function checkNewTtls({ defaultLeaseTtlMs, maxLeaseTtlMs }: MountConfig, context: Context): void {
  if (maxLeaseTtlMs > 0 && defaultLeaseTtlMs > maxLeaseTtlMs)
    throw refuse(400, 'given default lease TTL greater than given max lease TTL')
  if (maxLeaseTtlMs === 0 && defaultLeaseTtlMs > context.maxLeaseTtlMs)
    throw refuse(400, `given default lease TTL greater than system max lease TTL of ${context.maxLeaseTtlMs / 1000}`)
}

function checkTtls({ defaultLeaseTtlMs, maxLeaseTtlMs }: MountConfig, context: Context): void {
  const maxMs = maxLeaseTtlMs || context.maxLeaseTtlMs
  if (defaultLeaseTtlMs <= maxMs) return
  const [max, wanted] = [maxMs / 1000, defaultLeaseTtlMs / 1000]
  throw refuse(400, `backend max lease TTL of ${max} would be less than backend default lease TTL of ${wanted}`)
}
