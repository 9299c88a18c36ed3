import type { BackendAuth, BackendError, BackendReply } from '../../model/backend.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'

/** What a caller of a server would see. */
export interface Outcome {
  /** HTTP status. */
  readonly status: number
  /** `undefined` where there is none. */
  readonly data: JsonObject | undefined
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  /** The lease of a secret. */
  readonly lease: { readonly id: string; readonly ttlMs: number; readonly renewable: boolean } | undefined
  /** What a login yields. */
  readonly auth: BackendAuth | undefined
  /** 0 for an answer that asks for no wrapping. */
  readonly wrapTtlMs: number
}

const STATUS: Readonly<Record<BackendError['kind'], number>> = {
  other: 500,
  user: 500,
  internal: 500,
  coded: 500,
  'bad-request': 400,
  'unsupported-operation': 405,
  'unsupported-path': 404,
  'invalid-request': 400,
  'permission-denied': 403,
  'needs-approval': 500,
  unrecoverable: 500,
}

/** Errors whose text the server has of its own. */
const FIXED: Readonly<Partial<Record<BackendError['kind'], string>>> = {
  'unsupported-operation': 'unsupported operation',
  'unsupported-path': 'unsupported path',
  'invalid-request': 'invalid request',
  'permission-denied': 'permission denied',
  'needs-approval': 'request needs further approval',
  unrecoverable: 'unrecoverable error',
}

/** `reply` as the server would answer it over HTTP. */
export function outcomeOf({ response, error }: BackendReply, operation: string): Outcome {
  const data = response === undefined ? undefined : parseObjectText(response.data)
  const warnings = response?.warnings ?? []
  const none = { data, warnings, errors: [], lease: undefined, auth: undefined, wrapTtlMs: response?.wrapTtlMs ?? 0 }
  const said = data?.error
  if (typeof said === 'string' && Object.keys(data ?? {}).every((key) => key === 'error' || key === 'data'))
    return { ...none, status: error === undefined || error.kind === 'coded' ? 400 : STATUS[error.kind], errors: [said] }
  if (error !== undefined) return { ...none, ...refused(error) }
  if (response === undefined || isEmptyList(operation, data, warnings))
    return { ...none, status: operation === 'read' || operation === 'list' ? 404 : 204 }
  if (typeof data?.http_status_code === 'number') return { ...none, ...rawOf(data, data.http_status_code) }
  const lease =
    response.secret === undefined
      ? undefined
      : { id: '', ttlMs: response.secret.ttlMs, renewable: response.secret.renewable }
  return { ...none, status: 200, lease, auth: response.auth }
}

function refused(error: BackendError): Pick<Outcome, 'status' | 'errors'> {
  const status = error.kind === 'coded' ? error.status : STATUS[error.kind]
  return { status, errors: [FIXED[error.kind] ?? error.message] }
}

function isEmptyList(operation: string, data: JsonObject | undefined, warnings: readonly string[]): boolean {
  if (operation !== 'list' || warnings.length > 0) return false
  const { keys = [], ...rest } = data ?? {}
  return Object.keys(rest).length === 0 && Array.isArray(keys) && keys.length === 0
}

/** A raw answer whose body is the server's envelope is read like one. */
function rawOf(data: JsonObject, status: number): Pick<Outcome, 'status' | 'data' | 'warnings'> {
  const body = typeof data.http_raw_body === 'string' ? parseObjectText(data.http_raw_body) : undefined
  if (body === undefined || body.request_id === undefined) return { status, data, warnings: [] }
  const warnings = Array.isArray(body.warnings) ? body.warnings.map(String) : []
  return { status, data: isJsonObject(body.data) ? body.data : undefined, warnings }
}
