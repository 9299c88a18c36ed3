import type { Answer } from './model/answer.ts'
import type { Caller, CallerAttributes } from './model/caller.ts'
import type { PoliciesOption } from './model/compiled-policies.ts'
import type { GatewayEvents } from './model/events.ts'
import type {
  CallOptions,
  EvictTarget,
  ExplainRequest,
  Explanation,
  Gateway,
  Health,
  HoldOptions,
  ScopeOptions,
} from './model/gateway.ts'
import type { JsonObject } from './model/json.ts'
import type { Lease } from './model/lease.ts'
import type { DatabaseMount, KvMount, PkiMount, TransitMount } from './model/mounts.ts'
import type { Operation } from './model/operation.ts'
import type { PolicyChanges } from './model/policy-changes.ts'
import type { Preflight } from './model/preflight.ts'
import type { Watch, WatchOptions } from './model/watch.ts'
import { createDatabase } from './mount/database.ts'
import { createKv } from './mount/kv.ts'
import { createPki } from './mount/pki.ts'
import { createTransit } from './mount/transit.ts'
import { createCaller, createGuest } from './options/caller.ts'
import { booleanOption, checkNames, numberOption, stringOption, typed } from './options/check.ts'
import { resolveWatch, type WatchConfig } from './options/watch.ts'
import type { Identity } from './pipeline/call.ts'
import type { Who } from './pipeline/pipeline.ts'

/** What is behind a gateway: one engine, shared by all its scopes. */
export interface Engine {
  run(
    who: Who,
    operation: Operation,
    path: string,
    data: unknown,
    options: CallOptions,
    isLogin?: boolean,
  ): Promise<Answer>
  lease(who: Who, operation: Operation, path: string, data: unknown, options: CallOptions): Promise<Lease>
  watch(who: Who, path: string, config: WatchConfig): Promise<Watch>
  unwrap(who: Who, token: string, options: CallOptions & { readonly creationPath?: string }): Promise<Answer>
  explain(who: Who, request: ExplainRequest): Explanation
  evict(target: EvictTarget): number
  reloadPolicies(policies: PoliciesOption | undefined): Promise<PolicyChanges>
  preflight(who: Who): Promise<Preflight>
  health(timeoutMs: number | undefined): Promise<Health>
  kvVersion(mount: string, namespace: string | undefined): Promise<1 | 2>
  /** The identity behind a token that a caller handed over. */
  identity(token: string, caller: Caller): Identity
  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): void
  off<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): void
  close(): Promise<void>
}

const CALL_OPTIONS = ['signal', 'timeoutMs', 'query', 'namespace', 'wrapTtlMs', 'dryRun', 'traceparent']
const HOLD_OPTIONS = ['method', 'data', 'signal', 'timeoutMs', 'query', 'namespace', 'traceparent']
const UNWRAP_OPTIONS = [...CALL_OPTIONS, 'creationPath']

/** {@link Gateway} for one caller, over an engine that many share. */
export class CallerGateway implements Gateway {
  readonly #engine: Engine
  readonly #who: Who
  readonly #hasGuests: boolean

  /** @param hasGuests - Callers made by `as()` stand beside this one, not below it. */
  constructor(engine: Engine, who: Who, hasGuests = false) {
    this.#engine = engine
    this.#who = who
    this.#hasGuests = hasGuests
  }

  read<T = JsonObject>(path: string, options?: CallOptions): Promise<Answer<T>> {
    return this.#call('read', path, undefined, options)
  }

  list<T = { readonly keys: readonly string[] }>(path: string, options?: CallOptions): Promise<Answer<T>> {
    return this.#call('list', path, undefined, options)
  }

  scan<T = { readonly keys: readonly string[] }>(path: string, options?: CallOptions): Promise<Answer<T>> {
    return this.#call('scan', path, undefined, options)
  }

  write<T = JsonObject>(path: string, data?: unknown, options?: CallOptions): Promise<Answer<T>> {
    return this.#call('write', path, data, options)
  }

  patch<T = JsonObject>(path: string, data: unknown, options?: CallOptions): Promise<Answer<T>> {
    return this.#call('patch', path, data, options)
  }

  delete<T = JsonObject>(path: string, options?: CallOptions): Promise<Answer<T>> {
    return this.#call('delete', path, undefined, options)
  }

  unwrap<T = JsonObject>(
    token: string,
    options: CallOptions & { readonly creationPath?: string } = {},
  ): Promise<Answer<T>> {
    checkCallOptions(options, UNWRAP_OPTIONS)
    stringOption('creationPath', options.creationPath, undefined)
    if (typeof token !== 'string' || token === '') throw new TypeError(`token must be a string, got ${typed(token)}`)
    return this.#engine.unwrap(this.#who, token, options) as Promise<Answer<T>>
  }

  login(path: string, data: unknown, options: CallOptions = {}): Promise<Answer> {
    checkCallOptions(options)
    return this.#engine.run(this.#who, 'write', path, data, options, true)
  }

  kv(mount = 'secret'): KvMount {
    return createKv(this, mount, (namespace) => this.#engine.kvVersion(mount, namespace))
  }

  transit(mount = 'transit'): TransitMount {
    return createTransit(this, mount)
  }

  database(mount = 'database'): DatabaseMount {
    return createDatabase(this, mount)
  }

  pki(mount = 'pki'): PkiMount {
    return createPki(this, mount)
  }

  async lease<T = JsonObject>(path: string, options: HoldOptions = {}): Promise<Lease<T>> {
    checkNames('the options of lease()', options, HOLD_OPTIONS)
    const { method = 'read', data, ...rest } = options
    if (method !== 'read' && method !== 'write') throw new TypeError(`method must be 'read' or 'write'`)
    if (method === 'read' && data !== undefined) throw new TypeError(`data goes with method: 'write'`)
    checkCallOptions(rest)
    return (await this.#engine.lease(this.#who, method, path, data, rest)) as unknown as Lease<T>
  }

  async watch<T = JsonObject>(path: string, options: WatchOptions = {}): Promise<Watch<T>> {
    return (await this.#engine.watch(this.#who, path, resolveWatch(options))) as unknown as Watch<T>
  }

  as(attributes: CallerAttributes, options: ScopeOptions = {}): Gateway {
    checkNames('as()', options, ['token'])
    const caller = this.#hasGuests ? createGuest(attributes) : createCaller(attributes, this.#who.caller)
    const token = stringOption('token', options.token, undefined)
    const identity = token === undefined ? this.#who.identity : this.#engine.identity(token, caller)
    return new CallerGateway(this.#engine, { caller, identity })
  }

  explain(request: ExplainRequest): Explanation {
    return this.#engine.explain(this.#who, request)
  }

  evict(target: EvictTarget): number {
    return this.#engine.evict(target)
  }

  async reloadPolicies(policies?: PoliciesOption): Promise<PolicyChanges> {
    const { parent, isGuest } = this.#who.caller
    if (parent !== undefined || isGuest === true) {
      throw new TypeError(
        'a gateway from as() cannot replace the policies that bind it: call reloadPolicies() on its root',
      )
    }
    return await this.#engine.reloadPolicies(policies)
  }

  preflight(): Promise<Preflight> {
    return this.#engine.preflight(this.#who)
  }

  health(options: { readonly timeoutMs?: number } = {}): Promise<Health> {
    return this.#engine.health(options.timeoutMs)
  }

  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): this {
    this.#engine.on(event, listener)
    return this
  }

  off<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): this {
    this.#engine.off(event, listener)
    return this
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  #call<T>(operation: Operation, path: string, data: unknown, options: CallOptions = NO_OPTIONS): Promise<Answer<T>> {
    if (options !== NO_OPTIONS) checkCallOptions(options)
    return this.#engine.run(this.#who, operation, path, data, options) as Promise<Answer<T>>
  }
}

const NO_OPTIONS: CallOptions = Object.freeze({})

function checkCallOptions(options: CallOptions, known: readonly string[] = CALL_OPTIONS): void {
  checkNames('the options of a call', options, known)
  const { timeoutMs, dryRun, traceparent } = options
  if (numberOption('timeoutMs', timeoutMs, Infinity, { min: 0 }) === 0) {
    throw new RangeError('timeoutMs must be above 0, got 0')
  }
  booleanOption('dryRun', dryRun, false)
  if (traceparent !== undefined && typeof traceparent !== 'string') {
    throw new TypeError(`traceparent must be a string, got ${typed(traceparent)}`)
  }
}
