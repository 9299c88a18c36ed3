/**
 * What a host asks of a backend, in our words and units: the seam between the router and plugin processes.
 *
 * `wire/` carries it over gRPC, `database/` implements it within the host, and tests script it. Durations are
 * milliseconds, moments milliseconds since 1970; `data` and `internalData` stay JSON text, so that nothing on the
 * way parses what it only carries.
 */
export interface Backend {
  /** Which paths are special: as the plugin told when it was set up, or anew after a reload. */
  readonly specialPaths: SpecialPaths
  /** Before a create or update: does what `request` names exist? @throws {PluginError} for trouble with the process or the wire. */
  exists(request: BackendRequest, options: BackendCallOptions): Promise<Existence>
  /** Carries a request out. What the plugin answers is untrusted, errors included. @throws {PluginError} as {@link exists}. */
  handle(request: BackendRequest, options: BackendCallOptions): Promise<BackendReply>
  /** A stored key, relative to the mount, has changed behind its back. */
  invalidate(key: string): Promise<void>
  /** Ends this instance, and its process where nobody else uses it. Idempotent. */
  close(): Promise<void>
}

export interface BackendCallOptions {
  readonly signal?: AbortSignal
  /** Bound on the call; above 0. */
  readonly timeoutMs: number
}

/** Request paths, and storage prefixes, that are treated apart; relative to the mount. */
export interface SpecialPaths {
  /** Need an operator: exact, or a prefix where they end in `*`. */
  readonly root: readonly string[]
  /** Need no token: exact, a prefix where they end in `*`, `+` stands for one segment. */
  readonly unauthenticated: readonly string[]
  readonly localStorage: readonly string[]
  readonly sealWrapStorage: readonly string[]
}

export type BackendOperation =
  | 'create'
  | 'read'
  | 'update'
  | 'patch'
  | 'delete'
  | 'list'
  | 'scan'
  | 'help'
  | 'alias-lookahead'
  | 'resolve-role'
  | 'renew'
  | 'revoke'
  | 'rollback'

export interface BackendRequest {
  /** Empty for what the host does by itself (renew, revoke, rollback). */
  readonly id: string
  readonly operation: BackendOperation
  /** Below the mount, without leading slash; a list ends in `/`. */
  readonly path: string
  /** JSON text of an object, or `null`; never empty. */
  readonly data: string
  /** With `renew` and `revoke` of a lease. */
  readonly secret?: BackendSecret
  /** With `renew` of a login. */
  readonly auth?: BackendAuth
  /** Only those that the mount lets through; names in canonical Go form. */
  readonly headers?: Readonly<Record<string, readonly string[]>>
  /** Salted hash of the caller's token, never the token. */
  readonly clientToken: string
  readonly clientTokenAccessor: string
  readonly displayName: string
  /** With trailing slash; `auth/…/` for auth methods. */
  readonly mountPoint: string
  readonly mountType: string
  readonly mountAccessor: string
  readonly entityId: string
  readonly unauthenticated: boolean
  /** Empty where the caller is in this process. */
  readonly remoteAddress: string
  /** 0 for an unwrapped answer. */
  readonly wrapTtlMs: number
}

/** What a lease is made of. */
export interface BackendSecret {
  /** 0: the mount's default. */
  readonly ttlMs: number
  /** 0: the mount's. */
  readonly maxTtlMs: number
  readonly renewable: boolean
  /** Time asked for by a renewal; 0 for none. */
  readonly incrementMs: number
  /** Milliseconds since 1970; `undefined` for Go's zero time. */
  readonly issuedAtMs: number | undefined
  /** JSON text, opaque to the host; kept with the lease and given back. */
  readonly internalData: string
  readonly leaseId: string
}

/** What a login yields. */
export interface BackendAuth {
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly renewable: boolean
  readonly incrementMs: number
  readonly issuedAtMs: number | undefined
  readonly internalData: string
  readonly displayName: string
  readonly policies: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  /** 0: not periodic. */
  readonly periodMs: number
  /** 0: no limit. */
  readonly numUses: number
  readonly explicitMaxTtlMs: number
  readonly alias: BackendAlias | undefined
  readonly groupAliases: readonly BackendAlias[]
  readonly boundCidrs: readonly string[]
  readonly tokenType: 'default' | 'service' | 'batch' | 'default-service' | 'default-batch'
  readonly noDefaultPolicy: boolean
}

export interface BackendAlias {
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
}

export interface BackendResponse {
  readonly secret?: BackendSecret
  readonly auth?: BackendAuth
  /** JSON text of an object, or `null`. Not checked yet: parse it as untrusted. */
  readonly data: string
  readonly redirect: string
  readonly warnings: readonly string[]
  /** 0 where the plugin asks for no wrapping. */
  readonly wrapTtlMs: number
  readonly headers: Readonly<Record<string, readonly string[]>>
}

/** An error of a plugin, by the protocol's kinds. */
export interface BackendError {
  readonly kind:
    | 'other'
    | 'user'
    | 'internal'
    | 'coded'
    | 'bad-request'
    | 'unsupported-operation'
    | 'unsupported-path'
    | 'invalid-request'
    | 'permission-denied'
    | 'needs-approval'
    | 'unrecoverable'
  /** The plugin's words, which can echo secrets. */
  readonly message: string
  /** HTTP status of a `coded` one; else 0. */
  readonly status: number
}

/** Both can be there: an error response with an error. Neither: the normal "nothing". */
export interface BackendReply {
  readonly response?: BackendResponse
  readonly error?: BackendError
}

export interface Existence {
  /** Does the path have a check at all? */
  readonly checked: boolean
  readonly exists: boolean
  readonly error?: BackendError
}

/** Where a backend is mounted, as it is told at its set-up. */
export interface MountFacts {
  /** With trailing slash; `auth/…/` for auth methods. */
  readonly path: string
  readonly type: 'secret' | 'auth'
  /** Name in the catalog. */
  readonly pluginName: string
  /** `''` for an unversioned entry. */
  readonly pluginVersion: string
  /** Stable for the life of the mount: kv v2 prefixes its storage keys with it. */
  readonly backendUuid: string
  /** Mount options, such as `version` of kv. */
  readonly options: Readonly<Record<string, string>>
}

/** What a backend may ask of its host. */
export interface SystemView {
  readonly defaultLeaseTtlMs: number
  readonly maxLeaseTtlMs: number
  /** Only while the mount is being removed. */
  readonly tainted: boolean
  /** Wraps `data` (JSON text of an object) in a one-use token. */
  wrap(data: string, ttlMs: number): Promise<BackendWrap>
  /** A password by the named policy. @throws {PluginError} where there is no such policy. */
  password(policy: string): Promise<string>
  /** Who a caller is; `undefined` for an unknown one. */
  entity(id: string): Promise<BackendEntity | undefined>
  readonly clusterId: string
}

export interface BackendWrap {
  readonly token: string
  readonly accessor: string
  readonly ttlMs: number
  readonly createdAtMs: number
  readonly creationPath: string
}

export interface BackendEntity {
  readonly id: string
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
  readonly aliases: readonly (BackendAlias & { readonly mountAccessor: string; readonly mountType: string })[]
}
