import { Buffer } from 'node:buffer'
import { PortcullisError } from '../../errors/index.ts'
import type { SystemView } from '../../model/backend.ts'
import type { ResponseWrapInfo } from '../wire/gen/backend.ts'
import { SystemViewService } from '../wire/gen/services.ts'
import type { GrpcServer } from '../wire/grpc/server.ts'
import { GRPC_STATUS, GrpcStatusError } from '../wire/grpc/status.ts'
import { entityToWire, environmentToWire, REPLICATION_OFF, wrapToWire } from '../wire/system-view.ts'
import { msFromWire, msToWire } from '../wire/units.ts'

const MAX_WRAP_BYTES = 1024 * 1024
/** The shortest max TTL: plugins fail on 0. */
const MIN_TTL_MS = 1000

/** Serves what the backend of one mount may ask of its host. @param version - What plugins are told of ours. */
export function serveView(server: GrpcServer, view: SystemView, version: string): void {
  const environment = environmentToWire(version)
  const off = Object.freeze({ disabled: false, enabled: false, local: false, state: REPLICATION_OFF })
  server.add(SystemViewService, {
    defaultLeaseTtl: () => ({ TTL: atLeastASecond(view.defaultLeaseTtlMs) }),
    maxLeaseTtl: () => ({ TTL: atLeastASecond(view.maxLeaseTtlMs) }),
    tainted: () => ({ tainted: view.tainted }),
    cachingDisabled: () => off,
    replicationState: () => off,
    mlockEnabled: () => off,
    localMount: () => off,
    pluginEnv: () => environment,
    clusterInfo: () => ({ clusterName: 'portcullis', clusterId: view.clusterId, err: '' }),
    groupsForEntity: () => ({ groups: [], err: '' }),
    entityInfo: async ({ entityId }) => {
      const entity = entityId === '' ? undefined : await view.entity(entityId)
      return { entity: entity === undefined ? undefined : entityToWire(entity), err: '' }
    },
    responseWrapData: ({ data, TTL, JWT }) => wrapped(view, data, TTL, JWT),
    generatePasswordFromPolicy: ({ policyName }) => password(view, policyName),
    // Vault's ldap and aws plugins call it on every change of their configuration, and fail where it fails.
    deregisterRotationJob: () => ({}),
  })
}

async function wrapped(
  view: SystemView,
  data: string,
  ttl: bigint,
  isJwt: boolean,
): Promise<{ wrapInfo: ResponseWrapInfo | undefined; err: string }> {
  const refused = (err: string): { wrapInfo: undefined; err: string } => ({ wrapInfo: undefined, err })
  if (isJwt) return refused('wrapping tokens in JWT form are not made here')
  if (Buffer.byteLength(data) > MAX_WRAP_BYTES) return refused('the data to be wrapped is too large')
  const ttlMs = msFromWire(ttl)
  if (!(ttlMs > 0)) return refused('a TTL above 0 is needed')
  try {
    return { wrapInfo: wrapToWire(await view.wrap(data, ttlMs)), err: '' }
  } catch (error) {
    return refused(error instanceof PortcullisError ? `wrapping failed: ${error.code}` : 'wrapping failed')
  }
}

async function password(view: SystemView, policy: string): Promise<{ password: string }> {
  if (policy === '') throw new GrpcStatusError(GRPC_STATUS.invalidArgument, 'no password policy is named')
  try {
    return { password: await view.password(policy) }
  } catch (cause) {
    throw new GrpcStatusError(GRPC_STATUS.internal, 'failed to generate password', { cause })
  }
}

function atLeastASecond(ms: number): bigint {
  return msToWire(Math.max(MIN_TTL_MS, ms))
}
