import type { BackendAuth, BackendError, BackendReply, BackendResponse, BackendSecret } from '../model/backend.ts'
import type { JsonObject } from '../model/json.ts'
import type { LoginAnswer, PluginAnswer, SecretAnswer } from './answer.ts'
import type { BackendPlugin } from './definition.ts'
import type { PluginLog } from './host.ts'
import { HostError, PluginRefusal } from './refusal.ts'

/** Key of internal data by which the SDKs of the field find who renews and revokes. */
export const SECRET_TYPE = 'secret_type'

const NO_HEADERS = Object.freeze({})
const NONE: readonly never[] = Object.freeze([])

/** A handler's answer as a host takes it. @throws {TypeError} for one that cannot be sent. */
export function responseOf(answer: PluginAnswer, plugin: BackendPlugin): BackendResponse {
  return {
    ...(answer.secret === undefined ? {} : { secret: secretOf(answer.secret, plugin) }),
    ...(answer.auth === undefined ? {} : { auth: authOf(answer.auth, plugin) }),
    data: answer.data === undefined ? 'null' : textOf(answer.data),
    redirect: answer.redirect ?? '',
    warnings: answer.warnings ?? NONE,
    wrapTtlMs: duration(answer.wrapTtlMs, 'wrapTtlMs'),
    headers: answer.headers ?? NO_HEADERS,
  }
}

/** JSON text of an object; never empty, as both servers demand. */
export function textOf(value: JsonObject): string {
  const text = JSON.stringify(value)
  if (text?.startsWith('{') !== true) throw new TypeError('data of an answer must be an object')
  return text
}

function secretOf(secret: SecretAnswer, plugin: BackendPlugin): BackendSecret {
  if (plugin.type !== 'secret') throw new TypeError('only a secrets engine can answer with a secret')
  const definition = Object.hasOwn(plugin.secrets, secret.type) ? plugin.secrets[secret.type] : undefined
  if (definition === undefined) throw new TypeError(`there is no secret of type "${secret.type}"`)
  return {
    ttlMs: duration(secret.ttlMs, 'ttlMs'),
    maxTtlMs: duration(secret.maxTtlMs, 'maxTtlMs'),
    renewable: secret.renewable ?? definition.renew !== undefined,
    incrementMs: 0,
    issuedAtMs: undefined,
    internalData: textOf({ ...secret.internal, [SECRET_TYPE]: secret.type }),
    leaseId: '',
  }
}

function authOf(auth: LoginAnswer, plugin: BackendPlugin): BackendAuth {
  if (plugin.type !== 'auth') throw new TypeError('only an auth method can answer with auth')
  if (auth.alias.name === '') throw new TypeError('the alias of a login must have a name')
  return {
    ttlMs: duration(auth.ttlMs, 'ttlMs'),
    maxTtlMs: duration(auth.maxTtlMs, 'maxTtlMs'),
    renewable: auth.renewable ?? plugin.auth?.renew !== undefined,
    incrementMs: 0,
    issuedAtMs: undefined,
    internalData: textOf(auth.internal ?? {}),
    displayName: auth.displayName ?? '',
    policies: auth.policies ?? NONE,
    metadata: auth.metadata ?? NO_HEADERS,
    periodMs: duration(auth.periodMs, 'periodMs'),
    numUses: auth.numUses ?? 0,
    explicitMaxTtlMs: duration(auth.explicitMaxTtlMs, 'explicitMaxTtlMs'),
    alias: { name: auth.alias.name, metadata: auth.alias.metadata ?? NO_HEADERS },
    groupAliases: (auth.groupAliases ?? NONE).map(({ name }) => ({ name, metadata: NO_HEADERS })),
    boundCidrs: auth.boundCidrs ?? NONE,
    tokenType: auth.tokenType ?? 'default',
    noDefaultPolicy: auth.noDefaultPolicy ?? false,
  }
}

/** Milliseconds, checked: nanoseconds of it have to fit the wire. */
export function duration(value: number | undefined, name: string): number {
  if (value === undefined) return 0
  if (Number.isFinite(value) && value >= 0 && value <= 9_223_372_036_000) return Math.trunc(value)
  throw new RangeError(`${name} must be milliseconds from 0 to 292 years, got ${value}`)
}

/** A reply that says what kind of error it is, and nothing more. */
export function refusal(kind: BackendError['kind'], message = ''): BackendReply {
  return { error: { kind, message, status: 0 } }
}

/** What a host is told of an error that left a handler: words meant for it, and else no words at all. */
export function errorOf(error: unknown, log: PluginLog): BackendError {
  if (error instanceof PluginRefusal) {
    // Where no answer can carry the text, a user error does.
    const kind = error.kind === 'answer' ? 'user' : error.kind
    return { kind, message: error.message, status: error.status }
  }
  // The host's own words: it looks for some of them, such as those of a read-only storage.
  if (error instanceof HostError) return { kind: 'other', message: error.message, status: 0 }
  log.error('a handler failed', failureOf(error))
  return { kind: 'other', message: 'internal error', status: 0 }
}

/** Class, code and place of an error; its message can hold what the caller sent. */
export function failureOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof Error)) return { error: typeof error }
  const { code } = error as { readonly code?: unknown }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    error: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    stack: frames
      .map((line) => line.trim())
      .join(' | ')
      .slice(0, 4_000),
  }
}
