import type { Hasher } from './audit/hasher.ts'
import { PortcullisError } from './errors/index.ts'
import type { LeaseName } from './lease/keeper.ts'
import { AUDIT_EVENT_NAMES, type AuditEventName } from './model/audit-entry.ts'
import type { JsonObject } from './model/json.ts'
import type { LeaseEnd } from './model/lease.ts'
import type { Entries } from './pipeline/entries.ts'
import type { EntryContent } from './pipeline/entry-content.ts'
import type { AuthMethod, OwnCall } from './ports/auth-method.ts'
import type { Transport, TransportEvent } from './ports/transport.ts'

/**
 * Records what no request leads to.
 *
 * It has happened already, so there is nobody to be refused: a device that does not take the entry counts it, and says
 * so itself.
 */
export interface OwnEvents {
  record(name: AuditEventName, detail: JsonObject): void
  /** What had to be ended at `path` could not be. */
  leaked(path: string, code: string): void
  /** What became of a lease. The HMAC of its id leads to the entry of its mint. */
  lease(name: 'lease.rotated' | 'lease.ended', lease: LeaseName, how?: LeaseEnd): void
}

export interface OwnEventsDeps {
  readonly entries: Pick<Entries, 'event'>
  readonly hasher: Pick<Hasher, 'value'>
  readonly content: Pick<EntryContent, 'path'>
  readonly nextId: () => string
}

export function createOwnEvents({ entries, hasher, content, nextId }: OwnEventsDeps): OwnEvents {
  const record = (name: AuditEventName, detail: JsonObject): void => {
    entries.event(nextId(), { name, detail })?.catch(() => {})
  }
  return {
    record,
    leaked: (path, code) => record('lease.leaked', { path: content.path(path), code }),
    lease(name, { namespace, path, leaseId }, how): void {
      record(name, {
        path: content.path(path),
        ...(namespace === '' ? {} : { namespace: `${namespace}/` }),
        ...(how === undefined ? {} : { how }),
        ...(leaseId === '' ? {} : { lease_id: hasher.value(leaseId) }),
      })
    },
  }
}

/** `auth`, whose logins are recorded where they are not seen: a call through the gateway is recorded by itself. */
export function recordedLogins(auth: AuthMethod, record: OwnEvents['record']): AuthMethod {
  const { method, isReread, isUnseen = false, needsClientCertificate } = auth
  if (!isUnseen) return auth
  return {
    ...{ method, isUnseen },
    ...(isReread === undefined ? {} : { isReread }),
    ...(needsClientCertificate === undefined ? {} : { needsClientCertificate }),
    async login(context) {
      let isSeen = false
      const send = (call: OwnCall): ReturnType<typeof context.send> => {
        isSeen = true
        return context.send(call)
      }
      try {
        const login = await auth.login({ ...context, send })
        if (!isSeen) record('session.login', { method })
        return login
      } catch (error) {
        if (!isSeen) record('session.login_failed', { method, code: codeOf(error) })
        throw error
      }
    },
  }
}

function codeOf(error: unknown): string {
  return error instanceof PortcullisError ? error.code : 'unknown'
}

/** Records what a Transport tells of itself, until the function that is given back is called. */
export function recordTransport(transport: Transport, record: OwnEvents['record']): () => void {
  const unfollow = transport.onEvent?.(({ name, detail }: TransportEvent) => {
    // It may be anybody's: what the schema does not know is not written.
    if (AUDIT_EVENT_NAMES.includes(name)) record(name, { ...detail })
  })
  return unfollow ?? ((): void => {})
}
