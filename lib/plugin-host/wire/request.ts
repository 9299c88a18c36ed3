import type { BackendOperation, BackendRequest } from '../../model/backend.ts'
import type { Request } from './gen/backend.ts'
import { headersFromWire, headersToWire } from './headers.ts'
import { authFromWire, authToWire, secretFromWire, secretToWire } from './lease.ts'
import { jsonText, msFromWire, msToWire } from './units.ts'

/** What a host asks of a backend. */
export function requestToWire(request: BackendRequest): Request {
  const { secret, auth, remoteAddress, wrapTtlMs } = request
  return {
    id: request.id,
    ReplicationCluster: '',
    operation: request.operation,
    path: request.path,
    data: jsonText(request.data),
    secret: secret === undefined ? undefined : secretToWire(secret),
    auth: auth === undefined ? undefined : authToWire(auth),
    headers: headersToWire(request.headers),
    clientToken: request.clientToken,
    clientTokenAccessor: request.clientTokenAccessor,
    displayName: request.displayName,
    mountPoint: request.mountPoint,
    mountType: request.mountType,
    mountAccessor: request.mountAccessor,
    wrapInfo: wrapTtlMs > 0 ? { TTL: msToWire(wrapTtlMs), format: '', sealWrap: false } : undefined,
    clientTokenRemainingUses: 0n,
    entityId: request.entityId,
    policyOverride: false,
    unauthenticated: request.unauthenticated,
    connection: remoteAddress === '' ? undefined : connectionFrom(remoteAddress),
    requiresSnapshotId: '',
    recoverSourcePath: '',
    rotationInfo: undefined,
  }
}

function connectionFrom(remoteAddr: string): NonNullable<Request['connection']> {
  return { remoteAddr, connectionState: undefined, remotePort: 0, proxiedCertificatesRaw: [], peerCertificatesRaw: [] }
}

const OPERATIONS: ReadonlySet<string> = new Set<BackendOperation>([
  'create',
  'read',
  'update',
  'patch',
  'delete',
  'list',
  'scan',
  'help',
  'alias-lookahead',
  'resolve-role',
  'renew',
  'revoke',
  'rollback',
])

/** What a backend was asked; `undefined` for an operation that we do not know, to be answered as unsupported. */
export function requestFromWire(request: Request): BackendRequest | undefined {
  if (!OPERATIONS.has(request.operation)) return undefined
  return {
    id: request.id,
    operation: request.operation as BackendOperation,
    path: request.path,
    data: jsonText(request.data),
    ...(request.secret === undefined ? {} : { secret: secretFromWire(request.secret) }),
    ...(request.auth === undefined ? {} : { auth: authFromWire(request.auth) }),
    ...(request.headers.size === 0 ? {} : { headers: headersFromWire(request.headers) }),
    clientToken: request.clientToken,
    clientTokenAccessor: request.clientTokenAccessor,
    displayName: request.displayName,
    mountPoint: request.mountPoint,
    mountType: request.mountType,
    mountAccessor: request.mountAccessor,
    entityId: request.entityId,
    unauthenticated: request.unauthenticated,
    remoteAddress: request.connection?.remoteAddr ?? '',
    wrapTtlMs: Math.max(0, msFromWire(request.wrapInfo?.TTL ?? 0n)),
  }
}
