import type { DatabaseDriver } from '../model/database.ts'
import type { JsonObject } from '../model/json.ts'
import type { LoginAnswer } from './answer.ts'
import type { PluginLog } from './host.ts'
import type { Path } from './path.ts'
import type { Context, Mount } from './request.ts'

/** A lease that is to be renewed or revoked. */
export interface LeaseRequest extends Context {
  /** What the answer's `internal` was; of the last renewal, where that gave another. */
  readonly internal: JsonObject
  /** Data of the answer. A host drops it with the first renewal: revoke by {@link internal} alone. */
  readonly data: JsonObject
  readonly ttlMs: number
  readonly maxTtlMs: number
  /** Milliseconds since 1970; `undefined` where the host does not say. */
  readonly issuedAtMs: number | undefined
  /** Time that the caller asks for; 0 for none. */
  readonly incrementMs: number
  /** Empty in a renewal. */
  readonly leaseId: string
}

/** What a renewal changes; the rest stays. */
export interface LeaseChange {
  readonly ttlMs?: number
  readonly maxTtlMs?: number
  readonly internal?: JsonObject
  readonly data?: JsonObject
  readonly warnings?: readonly string[]
}

/** How the secrets of one type are renewed and revoked. */
export interface SecretDefinition {
  /** `true`: a renewal changes nothing but the end, which is the host's. Absent: not renewable. */
  readonly renew?:
    | true
    // biome-ignore lint/suspicious/noConfusingVoidType: a renewal that returns nothing changes nothing.
    | ((lease: LeaseRequest) => LeaseChange | undefined | void | Promise<LeaseChange | undefined | void>)
  /** Ends the secret. What is gone already is no error. Rejecting makes the host try again. */
  readonly revoke: (lease: LeaseRequest) => void | Promise<void>
}

/** A token of this auth method that is to be renewed. */
export interface LoginRequest extends Context {
  readonly internal: JsonObject
  readonly alias: string
  readonly policies: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly periodMs: number
  readonly issuedAtMs: number | undefined
  readonly incrementMs: number
}

/** What the renewal of a token changes; the rest stays. */
export type LoginChange = Partial<Omit<LoginAnswer, 'alias' | 'renewable'>>

/** A plugin's name, for catalogs, help and logs. */
interface Identity {
  /** Name, as people register it. */
  readonly name: string
  /** Semantic version with leading `v`, such as `v1.2.0`. Default: unversioned. */
  readonly version?: string
}

/** Definition of a secrets engine or an auth method. */
export interface BackendDefinition extends Identity {
  readonly type: 'secret' | 'auth'
  /** What it is for: the root of its help. */
  readonly help?: string
  /** In order: the first that matches wins. A function where they depend on the options of the mount. */
  readonly paths: readonly Path[] | ((mount: Mount) => readonly Path[])
  /** By type. Secrets engines alone. */
  readonly secrets?: Readonly<Record<string, SecretDefinition>>
  /** Auth methods alone. */
  readonly auth?: {
    readonly renew?:
      | true
      // biome-ignore lint/suspicious/noConfusingVoidType: as in SecretDefinition.
      | ((login: LoginRequest) => LoginChange | undefined | void | Promise<LoginChange | undefined | void>)
  }
  /** Storage that a seal should wrap once more: keys, or folders that end in `/`. */
  readonly sealWrapStorage?: readonly string[]
  /** Storage that is not replicated: folders that end in `/`. */
  readonly localStorage?: readonly string[]
  /** After each start, before most requests. */
  readonly initialize?: (context: Context) => void | Promise<void>
  /** About once a minute. */
  readonly periodic?: (context: Context) => void | Promise<void>
  /** A stored key has changed behind this process: drop what is cached of it. */
  readonly invalidate?: (mount: Mount, key: string) => void | Promise<void>
  /** At the end of a mount, or of this process. */
  readonly cleanup?: (mount: Mount) => void | Promise<void>
}

/** Definition of a database driver. */
export interface DatabaseDefinition extends Identity {
  readonly type: 'database'
  /** A driver for one configured connection; one process can hold many. */
  readonly open: (context: { readonly log: PluginLog }) => DatabaseDriver
}

/** A secrets engine or auth method, checked. */
export interface BackendPlugin extends BackendDefinition {
  readonly version: string
  readonly secrets: Readonly<Record<string, SecretDefinition>>
}

/** A database driver, checked. */
export interface DatabasePlugin extends DatabaseDefinition {
  readonly version: string
}

/** What {@link definePlugin} makes: for `serve`, or for a test. */
export type Plugin = BackendPlugin | DatabasePlugin
