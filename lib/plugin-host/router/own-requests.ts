import type { BackendReply, BackendRequest, BackendResponse } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Backends } from './backends.ts'
import { type Context, OWN_CALL_LIMIT_MS, wallTimeFor } from './context.ts'
import { codeOf } from './events.ts'
import type { LeaseRecord } from './lease.ts'
import type { LeaseBackends, Renewed, Revoked } from './leases.ts'
import { loginTtl } from './logins.ts'
import type { Mount } from './mount.ts'
import type { MountTable } from './mount-table.ts'
import { saltedToken } from './names.ts'
import { refuse } from './refusal.ts'
import { isOutcome, shaped } from './shape.ts'
import type { Token, TokenRecord } from './token.ts'
import type { Granted } from './ttl.ts'

export interface OwnRequestDeps {
  readonly context: Context
  readonly table: MountTable
  readonly backends: Backends
}

/** A renewed login: the time it got, and what of its token changes. */
export interface RenewedLogin extends Granted {
  readonly change: Partial<TokenRecord>
}

/** What the host asks of plugins by itself: renew, revoke, rollback, help. */
export interface OwnRequests extends LeaseBackends {
  /** @throws {Refusal} the plugin refuses, or the max TTL is reached. */
  renewLogin(token: Token, incrementMs: number): Promise<RenewedLogin>
  /** The plugin's periodic work. Never rejects. */
  rollback(mount: Mount): Promise<void>
  /** What the plugin says of a path below its mount. @throws {Refusal} it has nothing to say; {PluginError}. */
  help(mount: Mount, below: string): Promise<JsonObject>
}

/** Kinds of errors after which a revocation is not tried again. */
const FINAL: ReadonlySet<string> = new Set([
  'unrecoverable',
  'unsupported-operation',
  'unsupported-path',
  'invalid-request',
])

export function createOwnRequests({ context, table, backends }: OwnRequestDeps): OwnRequests {
  const ask = async (mount: Mount, request: Partial<BackendRequest>): Promise<BackendReply> => {
    const { backend } = mount.ready ?? (await backends.open(mount))
    return backend.handle({ ...ownRequest(mount), ...request }, { timeoutMs: OWN_CALL_LIMIT_MS })
  }
  return {
    limits: (mountUuid) => {
      const mount = table.byUuid(mountUuid)
      return mount === undefined ? undefined : backends.limits(mount)
    },
    async revoke(record): Promise<Revoked> {
      const mount = table.byUuid(record.mountUuid)
      if (mount === undefined) return failed('the mount is gone', 'no-mount', true)
      try {
        return revokedBy(await ask(mount, leaseRequest('revoke', record, 0)))
      } catch (error) {
        return failed('the plugin cannot be reached', codeOf(error), false)
      }
    },
    async renew(record, incrementMs): Promise<Renewed> {
      const mount = table.byUuid(record.mountUuid)
      if (mount === undefined) throw refuse(400, 'lease not found')
      const reply = await ask(mount, leaseRequest('renew', record, incrementMs))
      const shape = renewalOf(reply)
      return { secret: shape?.secret, data: shape?.data ?? 'null', warnings: shape?.warnings ?? [] }
    },
    async renewLogin(token, incrementMs): Promise<RenewedLogin> {
      const { record } = token
      const mount = table.byUuid(record.mountUuid)
      if (mount === undefined || record.auth === null) throw refuse(400, 'lease is not renewable')
      const auth = { ...record.auth, issuedAtMs: record.issuedAtMs, incrementMs }
      const shape = loginRenewalOf(await ask(mount, { operation: 'renew', path: record.below, auth }))
      const renewed = shape?.auth ?? auth
      const nowMs = wallTimeFor(context.clock, record.expiresAtMs, token.dueMs)
      const granted = loginTtl(backends, mount, renewed, { incrementMs, startMs: record.issuedAtMs, nowMs })
      // The policies of a token are those of its login, for life.
      const change = { auth: renewed, periodMs: renewed.periodMs, renewedAtMs: nowMs }
      return {
        ttlMs: granted.ttlMs,
        warnings: [...(shape?.warnings ?? []), ...granted.warnings],
        change: { ...change, expiresAtMs: nowMs + granted.ttlMs },
      }
    },
    async help(mount, path): Promise<JsonObject> {
      const shape = shaped(await ask(mount, { operation: 'help', path }), 'help', true)
      return (isOutcome(shape) ? undefined : shape.data) ?? {}
    },
    async rollback(mount): Promise<void> {
      if (mount.isRollingBack) return
      mount.isRollingBack = true
      const facts = { path: mount.record.path, plugin: mount.record.type }
      try {
        const code = failureOf(await ask(mount, { operation: 'rollback' }))
        if (code !== undefined) context.tell('rollback-failed', { ...facts, code })
      } catch (error) {
        context.tell('rollback-failed', { ...facts, code: codeOf(error) })
      } finally {
        mount.isRollingBack = false
      }
    },
  }
}

function ownRequest({ record }: Mount): BackendRequest {
  return {
    id: '',
    operation: 'rollback',
    path: '',
    data: 'null',
    clientToken: saltedToken(record.uuid, ''),
    clientTokenAccessor: '',
    displayName: '',
    mountPoint: record.path,
    mountType: record.type,
    mountAccessor: record.accessor,
    entityId: '',
    unauthenticated: false,
    remoteAddress: '',
    wrapTtlMs: 0,
  }
}

function leaseRequest(
  operation: 'renew' | 'revoke',
  record: LeaseRecord,
  incrementMs: number,
): Partial<BackendRequest> {
  const { below: path, data, issuedAtMs, id } = record
  // A renewal does not tell the lease id, a revocation does: so do the servers.
  const leaseId = operation === 'revoke' ? id : ''
  return { operation, path, data, secret: { ...record.secret, issuedAtMs, incrementMs, leaseId } }
}

/** How the servers tell an error that came without a response. */
const NO_RESPONSE = 'resp: (*logical.Response)(nil) err: '

function revokedBy({ response, error }: BackendReply): Revoked {
  if (error !== undefined) {
    const detail = response === undefined ? NO_RESPONSE + error.message : error.message
    return failed(detail, error.kind, FINAL.has(error.kind))
  }
  if (response === undefined || response.data === 'null') return { ok: true }
  try {
    shaped({ response }, 'revoke', true)
    return { ok: true }
  } catch (refusal) {
    return failed((refusal as { readonly errors?: readonly string[] }).errors?.[0] ?? '', 'error-response', false)
  }
}

function failed(detail: string, code: string, isFinal: boolean): Revoked {
  return { ok: false, code, isFinal, detail }
}

/** What a plugin answered to the renewal of a lease. @throws {Refusal} 400: it refused. */
function renewalOf(reply: BackendReply): BackendResponse | undefined {
  try {
    const shape = shaped(reply, 'renew', true)
    return isOutcome(shape) ? undefined : shape.response
  } catch (refusal) {
    const { errors } = refusal as { readonly errors?: readonly string[] }
    if (errors === undefined) throw refusal
    const nothing = reply.response === undefined ? NO_RESPONSE : ''
    throw refuse(400, `failed to renew entry: ${nothing}${errors[0] ?? ''}`)
  }
}

/** The same of a login, where an error is a fault, told with its own status. @throws {Refusal} */
function loginRenewalOf(reply: BackendReply): BackendResponse | undefined {
  const { error } = reply
  if (error === undefined) return renewalOf(reply)
  const message = `failed to renew entry: ${error.message}`
  const shape = shaped({ ...reply, error: { ...error, message } }, 'renew', false)
  return isOutcome(shape) ? undefined : shape.response
}

/** Why periodic work failed; `undefined` where it did not, or where there is none. */
function failureOf(reply: BackendReply): string | undefined {
  const { error } = reply
  if (error !== undefined)
    return error.kind === 'unsupported-operation' || isReadOnly(error.message) ? undefined : error.kind
  try {
    shaped(reply, 'rollback', true)
    return undefined
  } catch {
    // What of a write-ahead log cannot be undone yet is told in a response.
    return 'error-response'
  }
}

function isReadOnly(message: string): boolean {
  return message === 'cannot write to readonly storage'
}
