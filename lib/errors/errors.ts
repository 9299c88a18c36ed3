import type { Decision } from '../model/decision.ts'
import { type ErrorDetails, PortcullisError } from './base.ts'
import type { ERROR_CODES, ErrorCode, ErrorKind } from './codes.ts'

/** The codes that an error class carries. */
export type CodeOf<K extends ErrorKind> = {
  [C in ErrorCode]: (typeof ERROR_CODES)[C]['kind'] extends K ? C : never
}[ErrorCode]

/** The request is not allowed by gateway policy, or its answer is not. Ask for other rights, or ask for something else. */
export class PolicyDeniedError extends PortcullisError {
  static override readonly kind: string = 'PolicyDeniedError'
  /** Policy, rule and reason; never a value. */
  readonly decision: Decision
  /** Of a limit that is reached: when the same may pass. Milliseconds; absent where that is not known. */
  declare readonly retryAfterMs?: number

  constructor(
    code: CodeOf<'PolicyDeniedError'>,
    message: string,
    details: ErrorDetails & { readonly decision: Decision; readonly retryAfterMs?: number | undefined },
  ) {
    super(code, message, details)
    this.decision = details.decision
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs
  }
}

/** A policy document cannot be used. Mend the document. */
export class PolicyLoadError extends PortcullisError {
  static override readonly kind: string = 'PolicyLoadError'
  /** Name of the file or document. */
  readonly file: string
  /** JSON pointer to the offending part; empty for the whole document. */
  readonly pointer: string

  constructor(message: string, details: ErrorDetails & { readonly file: string; readonly pointer: string }) {
    super('ERR_PORTCULLIS_POLICY_INVALID', message, details)
    this.file = details.file
    this.pointer = details.pointer
  }
}

/** What a refused audit entry stopped: the sending of the request, or the handing over of its answer. */
export type AuditPhase = 'start' | 'request' | 'response'

/** A required audit device did not take an entry. Mend the device; the gateway refuses until then. */
export class AuditError extends PortcullisError {
  static override readonly kind: string = 'AuditError'
  readonly device: string
  readonly phase: AuditPhase

  constructor(
    code: CodeOf<'AuditError'>,
    message: string,
    details: ErrorDetails & { readonly device: string; readonly phase: AuditPhase },
  ) {
    super(code, message, details)
    this.device = details.device
    this.phase = details.phase
  }
}

/** There is no live token and none can be had. Mend the credentials or the role. */
export class SessionError extends PortcullisError {
  static override readonly kind: string = 'SessionError'
  /** Auth method: `token`, `approle`, … */
  readonly method: string

  constructor(code: CodeOf<'SessionError'>, message: string, details: ErrorDetails & { readonly method: string }) {
    super(code, message, details)
    this.method = details.method
  }
}

/** A lease is at its end, lost or over budget. Read the secret again. */
export class LeaseError extends PortcullisError {
  static override readonly kind: string = 'LeaseError'

  constructor(code: CodeOf<'LeaseError'>, message: string, details: ErrorDetails = {}) {
    super(code, message, details)
  }
}

/** Facts of a failed exchange with the server. */
export interface ServerErrorDetails extends ErrorDetails {
  readonly operation: string
  readonly path: string
  /** HTTP status; 0 where none was received. */
  readonly status?: number
  /** Id that the server gave the request; empty where it gave none. */
  readonly requestId?: string
  /** What the server asked us to wait, where it did. */
  readonly retryAfterMs?: number
  /** May the server have carried the request out? */
  readonly mayHaveHappened?: boolean
  /** The server's own words. They can echo what was sent, so they are kept out of message, JSON and inspect. */
  readonly serverErrors?: readonly string[]
  /** The body of its answer as it came; kept out of message, JSON and inspect too. */
  readonly serverBody?: Uint8Array
}

/** The server refused, failed or could not be reached. `code` tells which; `temporary` whether to try again. */
export class ServerError extends PortcullisError {
  static override readonly kind: string = 'ServerError'
  readonly operation: string
  readonly path: string
  readonly status: number
  readonly requestId: string
  readonly retryAfterMs: number | undefined
  readonly mayHaveHappened: boolean
  readonly #serverErrors: readonly string[]
  readonly #serverBody: Uint8Array | undefined

  constructor(code: CodeOf<'ServerError'>, message: string, details: ServerErrorDetails) {
    super(code, message, details)
    this.operation = details.operation
    this.path = details.path
    this.status = details.status ?? 0
    this.requestId = details.requestId ?? ''
    this.retryAfterMs = details.retryAfterMs
    this.mayHaveHappened = details.mayHaveHappened ?? false
    this.#serverErrors = details.serverErrors ?? []
    this.#serverBody = details.serverBody
  }

  /** The server's own words, for the program. They can echo what was sent: do not log them unread. */
  serverErrors(): readonly string[] {
    return this.#serverErrors
  }

  /** The body of the server's refusal as it came; only with `server.keepBodies`. Do not log it. */
  serverBody(): Uint8Array | undefined {
    return this.#serverBody
  }
}

/** The gateway itself cannot take the call. */
export class GatewayError extends PortcullisError {
  static override readonly kind: string = 'GatewayError'

  constructor(code: CodeOf<'GatewayError'>, message: string, details: ErrorDetails = {}) {
    super(code, message, details)
  }
}

/** Facts of a failure of a plugin, its process or its installation. */
export interface PluginErrorDetails extends ErrorDetails {
  /** Name in the catalog; empty where none is known. */
  readonly plugin?: string
  /** Mount path with trailing slash; empty where none is concerned. */
  readonly mount?: string
  /** May the plugin have carried the request out? */
  readonly mayHaveHappened?: boolean
  /** The plugin's own words. They can echo what was sent, so they are kept out of message, JSON and inspect. */
  readonly detail?: string
}

/** A plugin of a plugin host cannot be used, or failed. `code` tells which; `temporary` whether to try again. */
export class PluginError extends PortcullisError {
  static override readonly kind: string = 'PluginError'
  readonly plugin: string
  readonly mount: string
  readonly mayHaveHappened: boolean
  readonly #detail: string

  constructor(code: CodeOf<'PluginError'>, message: string, details: PluginErrorDetails = {}) {
    super(code, message, details)
    this.plugin = details.plugin ?? ''
    this.mount = details.mount ?? ''
    this.mayHaveHappened = details.mayHaveHappened ?? false
    this.#detail = details.detail ?? ''
  }

  /** The plugin's own words, for the program. They can echo what was sent: do not log them unread. */
  detail(): string {
    return this.#detail
  }
}

/** The storage of a plugin host cannot be used. Mend the disk, the database or the key. */
export class StorageError extends PortcullisError {
  static override readonly kind: string = 'StorageError'

  constructor(code: CodeOf<'StorageError'>, message: string, details: ErrorDetails = {}) {
    super(code, message, details)
  }
}

/** A watch cannot be had, or has been closed. Watch the data of a KV v2 secret; open another watch. */
export class WatchError extends PortcullisError {
  static override readonly kind: string = 'WatchError'

  constructor(code: CodeOf<'WatchError'>, message: string, details: ErrorDetails = {}) {
    super(code, message, details)
  }
}
