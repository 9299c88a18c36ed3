import type { Answer } from './answer.ts'
import type { JsonObject } from './json.ts'

/** What {@link Gateway.watch} can be told. */
export interface WatchOptions {
  /** Longest time between two looks at the server, while it answers. Milliseconds, 1000 to 86,400,000. Default 30,000. */
  readonly everyMs?: number
  /** Ends the first look, and later the watch, as `close()` does. */
  readonly signal?: AbortSignal
  /** One of the configured namespaces. Default: `server.namespace`. */
  readonly namespace?: string
}

/** What happens to a watched secret; no event carries a value. Listeners that throw cannot break the watch. */
export interface WatchEvents {
  /** There is another version, or a version again; then the two numbers can be equal. */
  changed: (event: { readonly version: number; readonly previousVersion: number }) => void
  /** The version was deleted or destroyed, or nothing is stored at the path any more. */
  deleted: (event: { readonly version: number }) => void
  /** The caller may no longer see it: the value is withdrawn. */
  refused: (event: { readonly code: string }) => void
  /** A look failed, and is repeated; `current()` gives what was seen last. */
  failing: (event: { readonly code: string }) => void
}

/**
 * A KV v2 secret whose versions are followed, until it is closed.
 *
 * `T` is the whole data, as `read()` gives it: the secret below `data`, its version below `metadata`.
 */
export interface Watch<T = JsonObject> {
  /**
   * The secret as it was seen last, under the decision made then; no call to the server.
   *
   * `source` is `cache`, and `stale` while looks at the server fail; `verifiedMs` says how old the sight is. A deleted
   * version is an answer of status 404 with metadata and without secret, as a read gives it.
   *
   * @throws {PolicyDeniedError} the caller may no longer see it.
   * @throws {ServerError} `ERR_PORTCULLIS_SERVER_NOT_FOUND`: nothing is stored there any more; `_FORBIDDEN`: the server
   *   refuses it now.
   * @throws {WatchError} `ERR_PORTCULLIS_WATCH_CLOSED`, or `_UNSUPPORTED` when another kind of mount took the place.
   */
  current(): Answer<T>
  /** The version seen last, deleted or not. */
  readonly version: number
  on<E extends keyof WatchEvents>(event: E, listener: WatchEvents[E]): this
  off<E extends keyof WatchEvents>(event: E, listener: WatchEvents[E]): this
  /** Looks no more. Idempotent. */
  close(): void
}
