import type { AuditEventName } from '../model/audit-entry.ts'
import type { Operation } from '../model/operation.ts'
import type { Query } from '../model/request.ts'
import type { Sealed } from '../model/sealed.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { TokenDescription } from '../model/token-description.ts'
import type { AuthMethod } from './auth-method.ts'

/** One exchange with the plugin endpoint behind the gateway. */
export interface TransportRequest {
  readonly operation: Operation
  /** Canonical: `''` for the root. */
  readonly namespace: string
  /** Canonical, decoded; the driver alone encodes it. */
  readonly path: string
  readonly query: Query
  /** Serialised JSON object; `undefined` for none. */
  readonly body: string | undefined
  /** 0 for an unwrapped answer. */
  readonly wrapTtlMs: number
  /** `undefined` for logins and other calls that need none. */
  readonly token: Sealed<string> | undefined
  /** Our id of the request, sent along so that the server can log it. */
  readonly requestId: string
  /**
   * May the driver repeat it after a failure that leaves open whether the server carried it out?
   * Only true for reads and lists on mounts known to be kv or sys; anything else may have minted a credential.
   */
  readonly repeatable: boolean
}

export interface TransportOptions {
  /** Ends the exchange. The promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Bound on the whole exchange, repeats included; above 0. */
  readonly timeoutMs: number
}

/** What happened behind a Transport without a request of a gateway, for the audit. */
export interface TransportEvent {
  readonly name: Extract<AuditEventName, `plugin.${string}` | `mount.${string}`>
  /** Names and numbers; never a value. */
  readonly detail: Readonly<Record<string, string | number>>
}

/** Driver of the way to a server or to the plugin host. */
export interface Transport {
  /** `server.address` of spans; holds no credentials. */
  readonly address: string
  /**
   * Sends and gives the answer, for every status below 300 and for 400 and 404 that carry `data`.
   *
   * @throws {ServerError} for every other status and every failure of the exchange, by code.
   */
  send(request: TransportRequest, options: TransportOptions): Promise<ServerAnswer>
  /** How to get a token here, where this is known: taken by a gateway that is given no `auth`. */
  auth?(): AuthMethod
  /**
   * Who holds `token`, where the endpoint knows and leaves it to gateway policies what its holder may do.
   *
   * Asked once for each token that a caller hands over; policies see the answer as the caller's attribute `token`.
   * `undefined`: nothing is known, and policies that ask for the attribute do not bind.
   */
  describe?(token: Sealed<string>): Promise<TokenDescription | undefined>
  /**
   * Tells `listener`, which must not throw, of what happens; gives the function that ends this. A gateway records it in its audit.
   *
   * May begin with what happened before anyone listened.
   */
  onEvent?(listener: (event: TransportEvent) => void): () => void
  /** Ends idle connections once what is in flight has ended. Idempotent. */
  close(): Promise<void>
}
