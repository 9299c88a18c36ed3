import type { Answer } from './answer.ts'
import type { CallerAttributes } from './caller.ts'
import type { PoliciesOption } from './compiled-policies.ts'
import type { Decision } from './decision.ts'
import type { GatewayEvents } from './events.ts'
import type { JsonObject } from './json.ts'
import type { Lease } from './lease.ts'
import type { DatabaseMount, KvMount, PkiMount, TransitMount } from './mounts.ts'
import type { Operation } from './operation.ts'
import type { PolicyChanges } from './policy-changes.ts'
import type { Preflight } from './preflight.ts'
import type { Watch, WatchOptions } from './watch.ts'

/** What every call can be told. */
export interface CallOptions {
  /** Ends this call; never a flight that serves others too. */
  readonly signal?: AbortSignal
  /** Bound on this call's exchange with the server, repeats included. Default: the server's `timeoutMs`. */
  readonly timeoutMs?: number
  /** Query parameters, decoded. */
  readonly query?: Readonly<Record<string, string | number | boolean>>
  /** One of the configured namespaces. Default: `server.namespace`. */
  readonly namespace?: string
  /** Asks for a wrapped answer with a token of this lifetime; whole seconds, at least 1000. Such answers are never cached. */
  readonly wrapTtlMs?: number
  /** Decides, and sends nothing: resolves with the decision, rejects with the refusal. */
  readonly dryRun?: boolean
  /** W3C `traceparent` of the caller, for the audit entry where no OpenTelemetry span is active. Not sent on. */
  readonly traceparent?: string
}

/** What {@link Gateway.lease} can be told. No wrapping: what is held has to be seen. */
export interface HoldOptions extends Omit<CallOptions, 'wrapTtlMs' | 'dryRun'> {
  /** Default `read`; `write` for what is minted by a write, such as `pki/issue`. */
  readonly method?: 'read' | 'write'
  /** Data of the write. */
  readonly data?: unknown
}

/** A request as {@link Gateway.explain} takes it. */
export interface ExplainRequest {
  readonly operation: Operation
  readonly path: string
  readonly data?: unknown
  readonly query?: CallOptions['query']
  readonly namespace?: string
  readonly wrapTtlMs?: number
}

/** What came of one rule that was looked at. */
export type RuleResult =
  | 'allows' // it grants the request; one that forbids may refuse it still
  | 'denies' // it stands on the winning path and denies
  | 'forbids' // it forbids, whatever else allows
  | 'refuses' // it grants the operation, and something in the request fails it
  | 'shut' // it denies or forbids at other times
  | 'unresolved' // its path has a template that the caller's attributes do not resolve
  | 'silent' // it stands on a path that counts, and says nothing of the operation
  | 'outranked' // it matches, and a rule on a path that the server ranks higher is asked instead
  | 'unused' // it would have been asked, had not another rule on the same path settled it

/** One rule that was looked at, and what came of it. */
export interface RuleNote {
  readonly policy: string
  readonly rule: string
  /** The rule's path, as the policy has it. */
  readonly path: string
  /** Which caller of the chain it was asked for: 0 is the gateway's own, 1 the one made by its `as()`, and so on. */
  readonly link: number
  readonly result: RuleResult
  /** The same in words, with the reason: what fails, or what outranks it. */
  readonly outcome: string
}

/** A policy of the request's namespace that does not bind the caller. */
export interface UnboundPolicy {
  readonly policy: string
  /** Which caller of the chain, as in {@link RuleNote}. */
  readonly link: number
  /** What its subject asks for. */
  readonly why: string
}

/** A decision with its reasons; never a value. */
export interface Explanation {
  readonly decision: Decision
  /** Policies that bind the caller, or one above it. */
  readonly policies: readonly string[]
  /** Policies of the namespace that bind one of the callers not, and why. */
  readonly unbound: readonly UnboundPolicy[]
  /** Rules considered, in order, and why each won or lost. */
  readonly rules: readonly RuleNote[]
  /** Of a refusal: what would pass. `undefined` for what is allowed, and where nothing would. */
  readonly wouldPass: string | undefined
  /**
   * How it would be decided if the policies of mode shadow were enforced together with the others; there, `policies` and
   * `unbound` are those of mode shadow. Absent without such policies.
   */
  readonly shadow?: Explanation
}

/** What to drop from the cache. Leases stay at the server and lapse there. */
export type EvictTarget =
  | { readonly path: string; readonly namespace?: string }
  | { readonly prefix: string; readonly namespace?: string }
  | { readonly leaseId: string }
  | { readonly all: true }

/** State of one audit device. */
export interface DeviceHealth {
  readonly name: string
  readonly required: boolean
  /** Entries that it took. */
  readonly accepted: number
  /** Entries that a required device refused, or did not take in time; their requests were refused. */
  readonly failed: number
  /** Entries that a best-effort device lost. */
  readonly dropped: number
  /** Entries that are queued or being written. */
  readonly waiting: number
  /** Of a device that hands entries on by itself, such as `spool()`. */
  readonly shipping?: Shipping
}

/** How far a spool is with handing on what it took. */
export interface Shipping {
  /** Entries that no receiver has confirmed. */
  readonly waiting: number
  /** Bytes that the spool takes. */
  readonly bytes: number
  /** Entries that were confirmed since the start. */
  readonly shipped: number
  /** Exports that failed since the start; their entries are tried again. */
  readonly failed: number
  /** Lines that could not be shipped since the start: changed, or no entries. */
  readonly setAside: number
}

/** What {@link Gateway.health} found. */
export interface Health {
  /** Would a request have a chance now? Not where a required audit device takes nothing. */
  readonly ok: boolean
  /** Why not; empty when `ok`. */
  readonly reasons: readonly string[]
  readonly server: {
    readonly reachable: boolean
    readonly sealed?: boolean
    readonly standby?: boolean
    readonly version?: string
  }
  readonly session: { readonly state: 'none' | 'live' | 'ended'; readonly generation: number; readonly ttlMs: number }
  readonly audit: readonly DeviceHealth[]
  readonly cache: { readonly entries: number; readonly inFlight: number }
}

/** What binds a scoped gateway beyond its attributes. */
export interface ScopeOptions {
  /**
   * Token of the caller: its requests are sent with it, and it gets from the cache only what
   * `sys/capabilities-self` of this token allows. The token is neither renewed nor revoked.
   */
  readonly token?: string
}

/** The gate: every secret that the service touches passes it. */
export interface Gateway {
  /** Reads a secret. A dynamic one is minted once and served from its lease until the lease ends. */
  read<T = JsonObject>(path: string, options?: CallOptions): Promise<Answer<T>>
  /** Lists the names below a path. */
  list<T = { readonly keys: readonly string[] }>(path: string, options?: CallOptions): Promise<Answer<T>>
  /** Lists all names below a path, at every depth; OpenBao alone has it. */
  scan<T = { readonly keys: readonly string[] }>(path: string, options?: CallOptions): Promise<Answer<T>>
  /** Creates or updates. */
  write<T = JsonObject>(path: string, data?: unknown, options?: CallOptions): Promise<Answer<T>>
  /** Merges `data` into what is stored (KV v2: `application/merge-patch+json`). */
  patch<T = JsonObject>(path: string, data: unknown, options?: CallOptions): Promise<Answer<T>>
  delete<T = JsonObject>(path: string, options?: CallOptions): Promise<Answer<T>>
  /** Trades a wrapping token in. With `creationPath`, only if the answer inside was made there. */
  unwrap<T = JsonObject>(token: string, options?: CallOptions & { readonly creationPath?: string }): Promise<Answer<T>>
  /** A login on behalf of the caller: a write to `auth/…` without a token. The token is in `answer.auth`. */
  login(path: string, data: unknown, options?: CallOptions): Promise<Answer>
  /**
   * A secret that is kept alive: renewed, rotated before its end, released when its last holder closes it.
   *
   * All who hold the same share one. @throws {LeaseError} `ERR_PORTCULLIS_LEASE_NONE` for what has no end; `_BUDGET`.
   */
  lease<T = JsonObject>(path: string, options?: HoldOptions): Promise<Lease<T>>
  /**
   * A KV v2 secret whose versions are followed, for configuration and templates. Resolves after a first look at the server.
   *
   * Each look is a read of its own: decided and recorded for this caller, sent past the cache, which it brings up to date.
   * All who watch a path with one identity share one request.
   *
   * @param path - The data path, such as `kv/data/flags`.
   * @throws {WatchError} `ERR_PORTCULLIS_WATCH_UNSUPPORTED` for what is no KV v2 data; and what `read()` rejects with.
   */
  watch<T = JsonObject>(path: string, options?: WatchOptions): Promise<Watch<T>>
  /** A view of a kv mount, v1 or v2. Default mount `secret`. */
  kv(mount?: string): KvMount
  /** A view of a transit mount. Default mount `transit`. */
  transit(mount?: string): TransitMount
  /** A view of a database mount. Default mount `database`. */
  database(mount?: string): DatabaseMount
  /** A view of a pki mount. Default mount `pki`. */
  pki(mount?: string): PkiMount
  /** A gateway for a caller below this one, on the same engine. Parent AND own decision must allow. */
  as(attributes: CallerAttributes, options?: ScopeOptions): Gateway
  /** The decision and its reasons; also for a request that is refused before any policy is asked. Sends nothing. */
  explain(request: ExplainRequest): Explanation
  /** Drops entries from the cache; gives their number. */
  evict(target: EvictTarget): number
  /**
   * Puts another set of policies in force: whole, or not at all. Recorded first, with what it changes; what callers hold and
   * may no longer have is taken from them. Only on the gateway that `createGateway()` gave, not on one from `as()`.
   *
   * @param policies - A folder, documents, or compiled ones. Default: what was loaded last; a folder is read anew.
   * @throws {PolicyLoadError} `ERR_PORTCULLIS_POLICY_INVALID`, the file system's error, or an {@link AuditError}: the old set stays.
   */
  reloadPolicies(policies?: PoliciesOption): Promise<PolicyChanges>
  /**
   * What the policies promise this caller, against what the server grants its token: asked in one call, and a policy in HCL
   * for what is missing. A pattern is asked for as it is; what the server denies within it is not seen.
   *
   * @throws {ServerError} the server cannot be asked.
   */
  preflight(): Promise<Preflight>
  health(options?: { readonly timeoutMs?: number }): Promise<Health>
  /** Listeners that throw cannot break a request. */
  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): this
  off<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): this
  /** Takes no more calls, lets those in flight end, revokes the tokens it logged in, flushes the audit. Idempotent. */
  close(): Promise<void>
}
