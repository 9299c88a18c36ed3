import type { JsonObject } from '../model/json.ts'
import type { Operation } from '../model/operation.ts'
import type { Sealed } from '../model/sealed.ts'
import type { ServerAnswer, TokenGrant } from '../model/server-answer.ts'

/** A call that the gateway makes for itself; audited under its own caller, judged by no caller's policy. */
export interface OwnCall {
  readonly operation: Operation
  readonly path: string
  readonly data?: JsonObject
  /** Sent with it; none for logins. */
  readonly token?: Sealed<string>
  /** Default: the configured one. */
  readonly namespace?: string
  /** Bound on the exchange. Default: the server's. */
  readonly timeoutMs?: number
}

/** Makes an {@link OwnCall}. @throws {ServerError} as the transport does; {AuditError} when it cannot be recorded. */
export type OwnExchange = (call: OwnCall) => Promise<ServerAnswer>

/** What a login may use. */
export interface LoginContext {
  readonly send: OwnExchange
  /** Text of a small file; credentials in files are read anew at each login, since they are rotated under us. */
  readText(path: string): Promise<string>
  /** Milliseconds since 1970, for what has to carry a date. */
  wallTime(): number
  /** An environment variable as it stands now; `undefined` where it is not set, or empty. */
  variable(name: string): string | undefined
}

/** The outcome of a login. */
export interface Login {
  readonly grant: TokenGrant
  /** Did we log it in? Only then may we revoke it. A token handed to us is never revoked. */
  readonly owned: boolean
}

/** A way to get a token. Make your own with `custom()`, or with any object of this shape. */
export interface AuthMethod {
  /** `token`, `approle`, …; stands in events and errors. */
  readonly method: string
  /** The token is made elsewhere and read anew by each login: done ahead of a renewal, since there may be a newer one. */
  readonly isReread?: boolean
  /** Works only over a connection with a client certificate; a gateway that has none refuses it at once. */
  readonly needsClientCertificate?: boolean
  /** A login may make no call through `send`, which would be recorded: then it is recorded as an event. Default false. */
  readonly isUnseen?: boolean
  /** @throws {SessionError} or {ServerError}; anything else counts as a failed login. */
  login(context: LoginContext): Promise<Login>
}
