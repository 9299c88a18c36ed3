import { PLUGIN_CODES } from './plugin-codes.ts'

/** What a code stands for: shown in the table of codes, and the default of `temporary`. */
export interface ErrorCodeFacts {
  /** Class that carries the code. */
  readonly kind: ErrorKind
  /** May the same call succeed later, unchanged? */
  readonly temporary: boolean
  /** What happened, and what to do about it; one line. */
  readonly meaning: string
}

/** Names of the error classes; each is one thing a caller can do about it. */
export type ErrorKind =
  | 'PolicyDeniedError'
  | 'PolicyLoadError'
  | 'AuditError'
  | 'SessionError'
  | 'LeaseError'
  | 'ServerError'
  | 'GatewayError'
  | 'PluginError'
  | 'StorageError'
  | 'WatchError'

/** Any code that an error of this library can carry. Never renamed, never reused. */
export type ErrorCode = keyof typeof ERROR_CODES

/** Codes of what a gateway does. */
const GATEWAY_CODES = {
  ERR_PORTCULLIS_POLICY_DENIED: {
    kind: 'PolicyDeniedError',
    temporary: false,
    meaning:
      'No gateway policy allows the request; the decision names policy, rule and, for a schema, pointer and keyword. Nothing was sent.',
  },
  ERR_PORTCULLIS_POLICY_LIMIT: {
    kind: 'PolicyDeniedError',
    temporary: true,
    meaning:
      'A rule allows the request, and its limit is reached (decision reason `rate` or `leases`); `retryAfterMs` says when to try again, where that is known. Nothing was sent.',
  },
  ERR_PORTCULLIS_POLICY_RESPONSE: {
    kind: 'PolicyDeniedError',
    temporary: false,
    meaning:
      'The answer failed the response schema of the rule that allowed the request; it was withheld. After a write, the server did carry it out.',
  },
  ERR_PORTCULLIS_PATH_REFUSED: {
    kind: 'PolicyDeniedError',
    temporary: false,
    meaning:
      'The path has an empty segment, `.` or `..`, a control character or a lone surrogate, or reaches into a child namespace. Nothing was sent.',
  },
  ERR_PORTCULLIS_NAMESPACE_REFUSED: {
    kind: 'PolicyDeniedError',
    temporary: false,
    meaning: 'The namespace is not one of those configured, or not in canonical form. Nothing was sent.',
  },
  ERR_PORTCULLIS_BODY_REFUSED: {
    kind: 'PolicyDeniedError',
    temporary: false,
    meaning:
      'The data or query cannot be sent as it was judged: not a plain JSON object, too deep, or not serialisable. Nothing was sent.',
  },
  ERR_PORTCULLIS_UNWRAP_MISMATCH: {
    kind: 'PolicyDeniedError',
    temporary: false,
    meaning:
      'The wrapped answer was not made at the `creationPath` that was told. It was not unwrapped; treat it as forged.',
  },
  ERR_PORTCULLIS_POLICY_INVALID: {
    kind: 'PolicyLoadError',
    temporary: false,
    meaning: 'A policy document cannot be used; `file` and `pointer` say where. The set in force stays.',
  },
  ERR_PORTCULLIS_AUDIT_FAILED: {
    kind: 'AuditError',
    temporary: true,
    meaning: 'A required audit device failed. `phase` says whether the request was not sent or its answer withheld.',
  },
  ERR_PORTCULLIS_AUDIT_TIMEOUT: {
    kind: 'AuditError',
    temporary: true,
    meaning: 'A required audit device did not accept the entry within its time limit. `phase` says what that stopped.',
  },
  ERR_PORTCULLIS_AUDIT_FULL: {
    kind: 'AuditError',
    temporary: true,
    meaning: 'A required audit device is full: its queue, or the room of its spool. `phase` says what that stopped.',
  },
  ERR_PORTCULLIS_AUDIT_UNUSABLE: {
    kind: 'AuditError',
    temporary: false,
    meaning: 'An audit device cannot be opened or be what it is asked to be; the gateway does not start.',
  },
  ERR_PORTCULLIS_SESSION_LOGIN: {
    kind: 'SessionError',
    temporary: true,
    meaning: 'The login was refused or did not reach the server; `cause` says which.',
  },
  ERR_PORTCULLIS_SESSION_CREDENTIALS: {
    kind: 'SessionError',
    temporary: false,
    meaning:
      'The credentials for a login cannot be had: a file missing or empty, variables not set, a function that failed, or characters no token has.',
  },
  ERR_PORTCULLIS_SESSION_WRAPPED: {
    kind: 'SessionError',
    temporary: false,
    meaning:
      'A wrapped secret id could not be unwrapped or was made elsewhere than told. Treat it as stolen: someone else may have unwrapped it.',
  },
  ERR_PORTCULLIS_SESSION_MFA: {
    kind: 'SessionError',
    temporary: false,
    meaning: 'The login asks for a second factor, which a service cannot give. Use another auth method or role.',
  },
  ERR_PORTCULLIS_SESSION_CUSTOM: {
    kind: 'SessionError',
    temporary: false,
    meaning:
      'The login function given to `custom()` gave something that is no token and no answer of a login. Mend the function.',
  },
  ERR_PORTCULLIS_SESSION_ENDED: {
    kind: 'SessionError',
    temporary: true,
    meaning: 'The token is dead and no new one can be had.',
  },
  ERR_PORTCULLIS_LEASE_EXPIRED: {
    kind: 'LeaseError',
    temporary: false,
    meaning: 'The lease is past its end; read the secret again.',
  },
  ERR_PORTCULLIS_LEASE_REVOKED: {
    kind: 'LeaseError',
    temporary: true,
    meaning: 'The held lease was revoked at the server; a successor is being fetched.',
  },
  ERR_PORTCULLIS_LEASE_LOST: {
    kind: 'LeaseError',
    temporary: true,
    meaning: 'The token that minted the held lease died, and the lease with it; a successor is being fetched.',
  },
  ERR_PORTCULLIS_LEASE_RELEASED: {
    kind: 'LeaseError',
    temporary: false,
    meaning: 'The lease was closed, by its holder or with the gateway.',
  },
  ERR_PORTCULLIS_LEASE_NONE: {
    kind: 'LeaseError',
    temporary: false,
    meaning:
      'What the server answered has neither lease nor end, so there is nothing to keep alive. Read it, or watch it.',
  },
  ERR_PORTCULLIS_LEASE_BUDGET: {
    kind: 'LeaseError',
    temporary: true,
    meaning:
      'So many leases live already that another is not asked for (`leases.maxPerPath`, `leases.max`). Look for a loop that mints.',
  },
  ERR_PORTCULLIS_SERVER_BAD_REQUEST: {
    kind: 'ServerError',
    temporary: false,
    meaning: 'The server refused the request as wrong (4xx); `serverErrors` has its words.',
  },
  ERR_PORTCULLIS_SERVER_FORBIDDEN: {
    kind: 'ServerError',
    temporary: false,
    meaning: 'The server policy of the token does not allow the request (403).',
  },
  ERR_PORTCULLIS_SERVER_NOT_FOUND: {
    kind: 'ServerError',
    temporary: false,
    meaning: 'Nothing is stored at the path, or no mount serves it (404).',
  },
  ERR_PORTCULLIS_SERVER_STALE: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'The node that answered has not caught up with an earlier write (412), also after the repeats.',
  },
  ERR_PORTCULLIS_SERVER_RATE_LIMITED: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'The server is limiting requests (429), also after the repeats; `retryAfterMs` says how long to wait.',
  },
  ERR_PORTCULLIS_SERVER_SEALED: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'The server is sealed (503): an operator has to unseal it.',
  },
  ERR_PORTCULLIS_SERVER_STANDBY: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'The node is a standby and did not forward the request (429, 472, 473 or 503).',
  },
  ERR_PORTCULLIS_SERVER_FAILED: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'The server failed (5xx). A call that is no read may have been carried out.',
  },
  ERR_PORTCULLIS_SERVER_UNREACHABLE: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'No connection to the server, or it was cut before an answer.',
  },
  ERR_PORTCULLIS_SERVER_DNS: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'The host name of the server cannot be resolved.',
  },
  ERR_PORTCULLIS_SERVER_TLS: {
    kind: 'ServerError',
    temporary: false,
    meaning: 'The TLS connection was refused: certificate, server name or protocol version.',
  },
  ERR_PORTCULLIS_SERVER_TIMEOUT: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'No whole answer within the time limit. A call that is no read may have been carried out.',
  },
  ERR_PORTCULLIS_SERVER_BAD_ANSWER: {
    kind: 'ServerError',
    temporary: false,
    meaning: 'The answer is not what a Vault or OpenBao server sends: bad JSON, or no JSON object.',
  },
  ERR_PORTCULLIS_SERVER_TRUNCATED: {
    kind: 'ServerError',
    temporary: true,
    meaning: 'The connection ended in the middle of the answer.',
  },
  ERR_PORTCULLIS_SERVER_TOO_LARGE: {
    kind: 'ServerError',
    temporary: false,
    meaning: 'The answer is larger than `maxResponseBytes`; raise it or read less.',
  },
  ERR_PORTCULLIS_SERVER_REDIRECT: {
    kind: 'ServerError',
    temporary: false,
    meaning: 'The server redirected to a host, path or protocol that is not allowed; the token was not sent there.',
  },
  ERR_PORTCULLIS_GATEWAY_CLOSED: {
    kind: 'GatewayError',
    temporary: false,
    meaning: 'The gateway is closed, or closing.',
  },
  ERR_PORTCULLIS_GATEWAY_CAPACITY: {
    kind: 'GatewayError',
    temporary: true,
    meaning: 'A bound of this process is reached (calls in flight); try again when some have ended.',
  },
  ERR_PORTCULLIS_WATCH_UNSUPPORTED: {
    kind: 'WatchError',
    temporary: false,
    meaning: 'Only the data of a KV v2 secret, such as `kv/data/flags`, has versions that can be watched.',
  },
  ERR_PORTCULLIS_WATCH_CLOSED: {
    kind: 'WatchError',
    temporary: false,
    meaning: 'The watch is closed, by its holder, by its signal or with the gateway.',
  },
} as const

/** The table of codes; `lib/errors/README.md` is held equal to it by a test. */
export const ERROR_CODES: typeof GATEWAY_CODES & typeof PLUGIN_CODES = { ...GATEWAY_CODES, ...PLUGIN_CODES }
