import type { BackendEntity, BackendWrap } from '../model/backend.ts'
import type { JsonObject } from '../model/json.ts'

/** Storage calls of a host; `transaction` is `''` outside of one. All reject with {@link HostError}. */
export interface StorageCalls {
  get(key: string, transaction: string): Promise<Uint8Array | undefined>
  put(key: string, value: Uint8Array, sealWrap: boolean, transaction: string): Promise<void>
  delete(key: string, transaction: string): Promise<void>
  list(
    prefix: string,
    page: { readonly after: string; readonly limit: number },
    transaction: string,
  ): Promise<readonly string[]>
  /** Id of a new transaction; `undefined` where the host has none. */
  begin(): Promise<string | undefined>
  commit(transaction: string): Promise<void>
  rollback(transaction: string): Promise<void>
}

/** What a plugin may ask of its host. All reject with {@link HostError}. */
export interface PluginSystem {
  /** TTL of a lease that asks for none. */
  defaultLeaseTtlMs(): Promise<number>
  /** Longest TTL of this mount; above 0. */
  maxLeaseTtlMs(): Promise<number>
  /** Is the mount being removed? Errors while cleaning up may then be forgiven. */
  isTainted(): Promise<boolean>
  /** Wraps `data` in a one-use token that lives for `ttlMs`. */
  wrap(data: JsonObject, ttlMs: number): Promise<BackendWrap>
  /** A password by the named policy. */
  password(policy: string): Promise<string>
  /** Who a caller is; `undefined` for an unknown one. */
  entity(id: string): Promise<BackendEntity | undefined>
  /** Names and ids of the groups that an entity is in. */
  groups(entityId: string): Promise<readonly { readonly id: string; readonly name: string }[]>
  /** Version of the server, such as `2.7.2`. */
  serverVersion(): Promise<string>
  /** Stable id of the cluster. */
  clusterId(): Promise<string>
  /** Tells the host's subscribers that something happened, such as `kv-v2/data-write`; a host without events drops it. */
  sendEvent(type: string, metadata: JsonObject): Promise<void>
}

/** A line of the host's log. Fields and messages hold no secret: hosts write them down. */
export interface PluginLog {
  trace(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export type LogFields = Readonly<Record<string, string | number | boolean>>

/** What an instance of a plugin reaches its host through. */
export interface HostServices {
  readonly storage: StorageCalls
  readonly system: PluginSystem
  readonly log: PluginLog
}
