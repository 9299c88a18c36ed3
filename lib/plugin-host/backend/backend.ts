import type { BackendReply, BackendRequest, Existence, SpecialPaths } from '../../model/backend.ts'

export type {
  BackendAlias,
  BackendAuth,
  BackendEntity,
  BackendError,
  BackendOperation,
  BackendReply,
  BackendRequest,
  BackendResponse,
  BackendSecret,
  BackendWrap,
  Existence,
  MountFacts,
  SpecialPaths,
  SystemView,
} from '../../model/backend.ts'

/**
 * What a host asks of a backend, in our words and units: the seam between the router and plugin processes.
 *
 * `wire/` carries it over gRPC, `database/` implements it within the host, and tests script it. Durations are
 * milliseconds, moments milliseconds since 1970; `data` and `internalData` stay JSON text, so that nothing on the
 * way parses what it only carries.
 */
export interface Backend {
  /** Which paths are special; read once, after {@link open}, and again after a reload. */
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
