import type { JsonObject } from '../model/json.ts'
import { ServerError } from './errors.ts'
import { harmlessPhrases } from './phrases.ts'
import { verdictOf } from './status.ts'

/** What every error of an exchange tells. */
export interface Asked {
  readonly operation: string
  readonly path: string
}

/** A refusal as the endpoint spoke it. */
export interface Spoken {
  /** HTTP status outside 2xx. */
  readonly status: number
  /** Its own words; they can echo what was sent. */
  readonly serverErrors: readonly string[]
  /** The JSON body, where there was one: `sys/health` speaks by its fields. */
  readonly body?: JsonObject | undefined
  /** What it asked us to wait, where it did. */
  readonly retryAfterMs?: number | undefined
  /** The body as it came, where it is kept. */
  readonly serverBody?: Uint8Array
}

/** The error for a status that is no success, whoever gave it: a server over HTTP, or the plugin host. Of its words only harmless ones stand in the message. */
export function refused(asked: Asked, { status, serverErrors, body, retryAfterMs, serverBody }: Spoken): ServerError {
  const { code, mayHaveHappened } = verdictOf(asked.path, status, body, serverErrors)
  const requestId = body?.request_id
  return new ServerError(code, `${asked.operation} ${asked.path}: ${words(status, serverErrors)}`, {
    operation: asked.operation,
    path: asked.path,
    status,
    requestId: typeof requestId === 'string' ? requestId : '',
    mayHaveHappened,
    serverErrors,
    ...(serverBody === undefined ? {} : { serverBody }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    // Not installed, or not initialised: no repeat will change it.
    ...(status === 501 ? { temporary: false } : {}),
  })
}

/** Not from `node:http`: importing that loads Node's whole `fetch` along. */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  472: 'disaster recovery standby',
  473: 'performance standby',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

function words(status: number, serverErrors: readonly string[]): string {
  const phrases = harmlessPhrases(serverErrors)
  const said = phrases.length > 0 ? phrases.join('; ') : STATUS_NAMES[status]
  return `the server answered ${status}${said === undefined ? '' : ` (${said})`}`
}
