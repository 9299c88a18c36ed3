import type { GatewayRequest } from '../model/request.ts'
import { type Sealed, seal } from '../model/sealed.ts'

/** What a request would revoke, in the namespace of the request. */
export type Revocation =
  | { readonly kind: 'lease'; readonly leaseId: string }
  /** Every lease below a path; `force`: also where the backend cannot undo the secret. */
  | { readonly kind: 'prefix'; readonly prefix: string; readonly force: boolean }
  /** The token that the request is sent with. */
  | { readonly kind: 'token'; readonly by: 'self'; readonly orphanOnly: false }
  /** `orphanOnly`: the tokens that it made live on, without it. Its leases end either way. */
  | {
      readonly kind: 'token'
      readonly by: 'token' | 'accessor'
      readonly value: Sealed<string>
      readonly orphanOnly: boolean
    }

const LEASE = /^sys\/(?:leases\/)?revoke(?:\/(.+))?$/
const PREFIX = /^sys\/(?:leases\/)?revoke-(prefix|force)\/(.+)$/
const TOKEN = /^auth\/token\/revoke(-self|-accessor|-orphan)?(?:\/(.+))?$/
const RENEWAL = /^sys\/(?:leases\/)?renew(?:\/(.+))?$/

/**
 * What `request` would revoke; `undefined` for what is no revocation.
 *
 * Every form that a server takes: the id in the body or in the path, synchronous or not, and the older paths
 * without `leases/` and with the token in the path, which OpenBao has dropped. Where body and path both name
 * one, the server takes the body's, and so do we.
 *
 * Forms that a server refuses as wrong before it looks at the caller's rights (a trailing slash, an id that
 * is no string) are none: else who may revoke nothing could purge for others with a `400`.
 *
 * @see https://openbao.org/api-docs/system/leases/ and https://openbao.org/api-docs/auth/token/
 */
export function revocationOf(request: GatewayRequest): Revocation | undefined {
  if (!isWrite(request)) return undefined
  return leaseRevocation(request) ?? prefixRevocation(request) ?? tokenRevocation(request)
}

/** The lease that `request` would renew; in the body or in the path, as in {@link revocationOf}. */
export function renewalOf(request: GatewayRequest): { readonly leaseId: string } | undefined {
  if (!isWrite(request)) return undefined
  const leaseId = namedIn(request, RENEWAL.exec(request.path), 'lease_id')
  return leaseId === undefined ? undefined : { leaseId }
}

function isWrite({ operation, path }: GatewayRequest): boolean {
  return operation === 'write' && !path.endsWith('/')
}

function leaseRevocation(request: GatewayRequest): Revocation | undefined {
  const leaseId = namedIn(request, LEASE.exec(request.path), 'lease_id')
  return leaseId === undefined ? undefined : { kind: 'lease', leaseId }
}

function prefixRevocation({ path }: GatewayRequest): Revocation | undefined {
  const [, how, prefix] = PREFIX.exec(path) ?? []
  return prefix === undefined ? undefined : { kind: 'prefix', prefix, force: how === 'force' }
}

function tokenRevocation(request: GatewayRequest): Revocation | undefined {
  const match = TOKEN.exec(request.path)
  if (match === null) return undefined
  const [, form, inPath] = match
  if (form === '-self') return inPath === undefined ? { kind: 'token', by: 'self', orphanOnly: false } : undefined
  const by = form === '-accessor' ? 'accessor' : 'token'
  const value = named(request.data?.[by], inPath)
  if (value === undefined) return undefined
  return { kind: 'token', by, value: seal(value), orphanOnly: form === '-orphan' }
}

function namedIn({ data }: GatewayRequest, match: RegExpExecArray | null, field: string): string | undefined {
  return match === null ? undefined : named(data?.[field], match[1])
}

/** Body before path; an empty one counts as none. Not trimmed: neither does the server. */
function named(inBody: unknown, inPath: string | undefined): string | undefined {
  const isAbsent = inBody === undefined || inBody === null || inBody === ''
  if (isAbsent) return inPath
  return typeof inBody === 'string' ? inBody : undefined
}

/** A lease as it is held: its id, and the namespace in which it was minted. */
export interface HeldLease {
  readonly leaseId: string
  /** Canonical, as in {@link GatewayRequest}. */
  readonly namespace: string
}

/**
 * Does `revocation`, sent in `namespace`, name this lease?
 *
 * An id reaches into the namespaces below; a prefix does not. A prefix ends at a slash (`kv/a` is not before
 * `kv/ab/1`), and may be one whole id. A token is not asked here: it ends the leases of its session.
 */
export function endsLease(revocation: Revocation, namespace: string, lease: HeldLease): boolean {
  if (revocation.kind === 'lease') {
    return revocation.leaseId === lease.leaseId && isWithin(lease.namespace, namespace)
  }
  if (revocation.kind === 'token' || lease.namespace !== namespace) return false
  return lease.leaseId === revocation.prefix || lease.leaseId.startsWith(`${revocation.prefix}/`)
}

function isWithin(namespace: string, outer: string): boolean {
  return outer === '' || namespace === outer || namespace.startsWith(`${outer}/`)
}

/**
 * Can `revocation` end a token, and with it every lease of a session?
 *
 * So can that of a lease id or prefix below `auth/`: tokens have leases too, under the path of their login,
 * though no login tells the id. Which token it was cannot be seen, so sessions have to be looked up.
 */
export function mayEndTokens(revocation: Revocation): boolean {
  if (revocation.kind === 'token') return true
  const path = revocation.kind === 'lease' ? revocation.leaseId : revocation.prefix
  return path === 'auth' || path.startsWith('auth/')
}

/** What came of sending a request: done, refused or failed by status, or nobody knows (time-out, abort, broken connection). */
export type RevocationOutcome = 'ok' | 'unknown' | { readonly status: number }

/**
 * Is what the revocation names to be evicted?
 *
 * Yes, unless the server said that the caller may not (403): else anyone could purge for others. After any other
 * failure the lease may be gone, and a value that may be dead is not served.
 */
export function evictsAfter(outcome: RevocationOutcome): boolean {
  return typeof outcome === 'string' || outcome.status !== 403
}
