import type { BackendAuth, BackendReply, SpecialPaths } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import type { BackendPlugin } from '../definition.ts'
import { type Call, createInstance, type Instance } from '../instance.ts'
import type { InstanceRequest } from '../instance-request.ts'
import type { Caller, Mount } from '../request.ts'
import { type TestLease, TestLeases } from './leases.ts'
import {
  createMemoryHost,
  type LogLine,
  type MemoryHost,
  type MemoryHostOptions,
  type SentEvent,
} from './memory-host.ts'
import { type Outcome, outcomeOf } from './outcome.ts'

/** How a plugin is mounted for a test. */
export interface TestPluginOptions extends MemoryHostOptions {
  /** Options of the mount, such as `{ version: '2' }`. */
  readonly mountOptions?: Readonly<Record<string, string>>
  /** Default: `test/`, and `auth/test/` for an auth method. */
  readonly mountPath?: string
  /** A host that another one used before, as after a restart of the plugin. */
  readonly host?: MemoryHost
}

/** More about one request. */
export interface TestRequestOptions {
  readonly caller?: Partial<Caller>
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly wrapTtlMs?: number
  readonly signal?: AbortSignal
}

/** A plugin mounted in memory, without a process: requests and leases as a server would have them. */
export interface PluginUnderTest {
  readonly mount: Mount
  readonly specialPaths: SpecialPaths
  /** All that it stored, by key. */
  readonly storage: Map<string, Uint8Array>
  readonly host: MemoryHost
  readonly logged: readonly LogLine[]
  readonly events: readonly SentEvent[]
  /**
   * Sends one request. `write` asks first what is there, as a server does, and becomes `create` or `update`.
   *
   * Never rejects for what the plugin does: an exception within is status 500 and a line in {@link logged}.
   */
  request(
    operation: 'read' | 'write' | 'patch' | 'delete' | 'list' | 'help' | (string & {}),
    path: string,
    data?: JsonObject,
    options?: TestRequestOptions,
  ): Promise<Outcome>
  /** Leases that live. */
  leases(): readonly TestLease[]
  /** @throws {RangeError} there is no such lease. */
  renew(leaseId: string, incrementMs?: number): Promise<Outcome>
  /** @throws {RangeError} as {@link renew}. */
  revoke(leaseId: string): Promise<Outcome>
  /** Renews the token of a login. */
  renewLogin(auth: BackendAuth, incrementMs?: number): Promise<Outcome>
  /** Lets time pass: runs `periodic` once a minute, and revokes leases that end. */
  advance(ms: number): Promise<void>
  /** A stored key changed behind its back. */
  invalidate(key: string): Promise<void>
  /** Ends the mount. */
  close(): Promise<void>
}

const DEFAULT_TTL_MS = 768 * 3_600_000
const PERIOD_MS = 60_000
const NEVER = { signal: new AbortController().signal }

/**
 * Mounts `plugin` in memory and initialises it.
 *
 * @throws {Error} `initialize` of the plugin failed.
 *
 * @example
 * const mounted = await testPlugin(plugin)
 * await mounted.request('write', 'config', { url: 'https://db.example' })
 * const { data, lease } = await mounted.request('read', 'creds/app')
 */
export async function testPlugin(plugin: BackendPlugin, options: TestPluginOptions = {}): Promise<PluginUnderTest> {
  const host = options.host ?? createMemoryHost(options)
  const mountOf = {
    uuid: '00000000-0000-4000-8000-000000000001',
    options: options.mountOptions ?? {},
    pluginName: plugin.name,
    pluginVersion: plugin.version,
  }
  const instance = createInstance(plugin, mountOf, host)
  const failed = await instance.initialize(NEVER)
  if (failed !== undefined)
    throw new Error(`initialize failed: ${failed.message}; ${JSON.stringify(host.logged.at(-1))}`)
  return new Mounted(instance, plugin, host, options)
}

class Mounted implements PluginUnderTest {
  readonly mount: Mount
  readonly specialPaths: SpecialPaths
  readonly host: MemoryHost
  readonly #instance: Instance
  readonly #plugin: BackendPlugin
  readonly #mountPath: string
  readonly #leases: TestLeases
  #nowMs = 1
  #requests = 0

  constructor(instance: Instance, plugin: BackendPlugin, host: MemoryHost, options: TestPluginOptions) {
    this.mount = instance.mount
    this.specialPaths = instance.specialPaths
    this.host = host
    this.#instance = instance
    this.#plugin = plugin
    this.#mountPath = options.mountPath ?? (plugin.type === 'auth' ? 'auth/test/' : 'test/')
    this.#leases = new TestLeases({
      instance,
      request: (operation, path, data) => this.#request(operation, path, data, {}),
      now: () => this.#nowMs,
      defaultTtlMs: options.defaultLeaseTtlMs ?? DEFAULT_TTL_MS,
      maxTtlMs: options.maxLeaseTtlMs ?? DEFAULT_TTL_MS,
    })
  }

  get storage(): Map<string, Uint8Array> {
    return this.host.entries
  }

  get logged(): readonly LogLine[] {
    return this.host.logged
  }

  get events(): readonly SentEvent[] {
    return this.host.events
  }

  async request(
    operation: string,
    path: string,
    data?: JsonObject,
    options: TestRequestOptions = {},
  ): Promise<Outcome> {
    const text = data === undefined ? 'null' : JSON.stringify(data)
    const asked = this.#request(operation === 'write' ? 'update' : operation, path, text, options)
    const call = options.signal === undefined ? NEVER : { signal: options.signal }
    const operationNow = operation === 'write' ? await this.#writing(asked, call) : operation
    if (typeof operationNow !== 'string') return outcomeOf(operationNow, operation)
    const reply = await this.#instance.handle({ ...asked, operation: operationNow }, call)
    return this.#leased(reply, outcomeOf(reply, operationNow), path)
  }

  leases(): readonly TestLease[] {
    return this.#leases.list()
  }

  renew(leaseId: string, incrementMs = 0): Promise<Outcome> {
    return this.#leases.renew(leaseId, incrementMs)
  }

  revoke(leaseId: string): Promise<Outcome> {
    return this.#leases.revoke(leaseId)
  }

  async renewLogin(auth: BackendAuth, incrementMs = 0): Promise<Outcome> {
    const request = { ...this.#request('renew', 'login', 'null', {}), auth: { ...auth, incrementMs } }
    return outcomeOf(await this.#instance.handle(request, NEVER), 'renew')
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      const dueMs = Math.min(
        ...this.leases()
          .map(({ endsAtMs }) => endsAtMs)
          .filter((at) => at > this.#nowMs),
      )
      const periodMs = (Math.floor(this.#nowMs / PERIOD_MS) + 1) * PERIOD_MS
      const nextMs = Math.min(dueMs, this.#plugin.periodic === undefined ? Infinity : periodMs)
      if (nextMs > endMs) break
      this.#nowMs = nextMs
      await this.#leases.expire()
      if (nextMs === periodMs) await this.#instance.handle(this.#request('rollback', '', 'null', {}), NEVER)
    }
    this.#nowMs = endMs
  }

  invalidate(key: string): Promise<void> {
    return this.#instance.invalidate(key)
  }

  close(): Promise<void> {
    return this.#instance.close()
  }

  /** The operation that a write is; an error of the check is the answer. */
  async #writing(request: InstanceRequest, call: Call): Promise<'create' | 'update' | BackendReply> {
    const { checked, exists, error } = await this.#instance.exists(request, call)
    if (error !== undefined && error.kind !== 'unsupported-path')
      return { error: error.kind === 'user' ? { ...error, kind: 'bad-request' } : error }
    return checked && !exists ? 'create' : 'update'
  }

  #leased({ response }: BackendReply, outcome: Outcome, path: string): Outcome {
    if (response?.secret === undefined || outcome.status >= 400) return outcome
    const lease = this.#leases.issue(path, response.secret, response.data)
    return { ...outcome, lease: { ...lease, renewable: response.secret.renewable } }
  }

  #request(operation: string, path: string, data: string, options: TestRequestOptions): InstanceRequest {
    this.#requests += 1
    const { caller = {}, headers = {}, wrapTtlMs = 0 } = options
    return {
      id: `request-${this.#requests}`,
      operation,
      path: operation === 'list' && path !== '' && !path.endsWith('/') ? `${path}/` : path,
      data,
      headers,
      clientToken: caller.tokenHash ?? 'token-hash',
      clientTokenAccessor: caller.accessor ?? 'accessor',
      displayName: caller.displayName ?? 'test',
      mountPoint: this.#mountPath,
      mountType: this.#plugin.name,
      mountAccessor: 'test_00000000',
      entityId: caller.entityId ?? '',
      unauthenticated: false,
      remoteAddress: caller.remoteAddress ?? '127.0.0.1',
      wrapTtlMs,
    }
  }
}
