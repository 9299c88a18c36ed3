import type { Backend } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import { secondsOf } from './duration.ts'
import { Gate } from './gate.ts'
import { type PathRules, pathRules } from './path-rules.ts'

export type MountKind = 'secret' | 'auth'

/** What a token of an auth mount is, where the plugin leaves it to the mount. */
export type MountTokenType = 'default-service' | 'default-batch' | 'service' | 'batch'

/** A mount as it is kept. */
export interface MountRecord {
  readonly kind: MountKind
  /** With trailing slash; `auth/…/` for auth methods. */
  readonly path: string
  /** Name in the catalog. */
  readonly type: string
  /** As recorded; `''`: the unversioned entry or the built-in. */
  readonly version: string
  readonly description: string
  readonly accessor: string
  /** Names its storage; stable for the life of the mount. */
  readonly uuid: string
  readonly backendUuid: string
  readonly options: Readonly<Record<string, string>>
  readonly local: boolean
  readonly sealWrap: boolean
  readonly config: MountConfig
  /** Is being removed: nothing but the clearing away reaches it. */
  readonly tainted: boolean
}

export interface MountConfig {
  /** 0: the host's. Milliseconds, whole seconds. */
  readonly defaultLeaseTtlMs: number
  /** 0: the host's. */
  readonly maxLeaseTtlMs: number
  readonly tokenType: MountTokenType
  readonly forceNoCache: boolean
  /** `''`: not told. */
  readonly listingVisibility: string
  /** What is kept, told and not acted upon here: lists of header and key names. */
  readonly lists: Readonly<Record<string, readonly string[]>>
}

/** What runs behind a mount, and which entry it was started from. */
export interface Running {
  readonly backend: Backend
  readonly version: string
  readonly sha256: string
  readonly rootPaths: PathRules
  readonly openPaths: PathRules
}

/** A mount in use. */
export class Mount {
  record: MountRecord
  /** Calls pass one by one or all at once; a reload waits for them, and holds up new ones. */
  readonly gate: Gate = new Gate()
  /** Opened with the first call that needs it; `undefined` before, and after a failure. */
  running: Promise<Running> | undefined
  /** The same, once it is there: the hot path waits for nothing. */
  ready: Running | undefined
  /** A rollback is on its way. */
  isRollingBack = false

  constructor(record: MountRecord) {
    this.record = record
  }

  get kind(): MountKind {
    return this.record.kind
  }
}

/** What stands before a request reaches `backend`. */
export function runningOf(backend: Backend, version: string, sha256: string): Running {
  const { root, unauthenticated } = backend.specialPaths
  return {
    backend,
    version,
    sha256,
    rootPaths: pathRules(root, false),
    openPaths: pathRules(unauthenticated, true),
  }
}

/** A mount as `sys/mounts` tells it. */
export function describedMount({ record }: Mount, running: Pick<Running, 'version' | 'sha256'>): JsonObject {
  const { options } = record
  return {
    accessor: record.accessor,
    config: describedConfig(record),
    description: record.description,
    external_entropy_access: false,
    local: record.local,
    options,
    plugin_version: record.version,
    running_plugin_version: running.version,
    running_sha256: running.sha256,
    seal_wrap: record.sealWrap,
    type: record.type,
    uuid: record.uuid,
  }
}

function describedConfig({ kind, config }: MountRecord): JsonObject {
  return {
    default_lease_ttl: secondsOf(config.defaultLeaseTtlMs),
    force_no_cache: config.forceNoCache,
    max_lease_ttl: secondsOf(config.maxLeaseTtlMs),
    ...(kind === 'auth' ? { token_type: config.tokenType } : {}),
    ...(config.listingVisibility === '' ? {} : { listing_visibility: config.listingVisibility }),
    ...config.lists,
  }
}

/** A mount as `sys/mounts/…/tune` tells it: with the TTLs that hold, not those that are set. */
export function describedTune(
  { record }: Mount,
  limits: { readonly defaultTtlMs: number; readonly maxTtlMs: number },
): JsonObject {
  const { config, options, version } = record
  return {
    default_lease_ttl: secondsOf(limits.defaultTtlMs),
    description: record.description,
    force_no_cache: config.forceNoCache,
    max_lease_ttl: secondsOf(limits.maxTtlMs),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(version === '' ? {} : { plugin_version: version }),
    ...(record.kind === 'auth' ? { token_type: config.tokenType } : {}),
    ...(config.listingVisibility === '' ? {} : { listing_visibility: config.listingVisibility }),
    ...config.lists,
  }
}
