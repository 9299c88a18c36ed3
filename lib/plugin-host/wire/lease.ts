import type { BackendAlias, BackendAuth, BackendSecret } from '../../model/backend.ts'
import type { Auth, LeaseOptions, Secret } from './gen/backend.ts'
import type { Alias } from './gen/logical.ts'
import { countFromWire, countToWire, jsonText, momentFromWire, momentToWire, msFromWire, msToWire } from './units.ts'

type Lease = Pick<BackendSecret, 'ttlMs' | 'maxTtlMs' | 'renewable' | 'incrementMs' | 'issuedAtMs'>

function leaseToWire(lease: Lease): LeaseOptions {
  return {
    TTL: msToWire(lease.ttlMs),
    renewable: lease.renewable,
    increment: msToWire(lease.incrementMs),
    issueTime: momentToWire(lease.issuedAtMs),
    MaxTTL: msToWire(lease.maxTtlMs),
  }
}

/** Signs are kept: a negative TTL is for the host to refuse. */
function leaseFromWire(options: LeaseOptions | undefined): Lease {
  return {
    ttlMs: msFromWire(options?.TTL ?? 0n),
    maxTtlMs: msFromWire(options?.MaxTTL ?? 0n),
    renewable: options?.renewable ?? false,
    incrementMs: msFromWire(options?.increment ?? 0n),
    issuedAtMs: momentFromWire(options?.issueTime),
  }
}

export function secretToWire(secret: BackendSecret): Secret {
  return {
    leaseOptions: leaseToWire(secret),
    internalData: jsonText(secret.internalData),
    leaseId: secret.leaseId,
  }
}

export function secretFromWire(secret: Secret): BackendSecret {
  return {
    ...leaseFromWire(secret.leaseOptions),
    internalData: jsonText(secret.internalData),
    leaseId: secret.leaseId,
  }
}

const TOKEN_TYPES = ['default', 'service', 'batch', 'default-service', 'default-batch'] as const

export function authToWire(auth: BackendAuth): Auth {
  return {
    leaseOptions: leaseToWire(auth),
    internalData: jsonText(auth.internalData),
    displayName: auth.displayName,
    policies: [...auth.policies],
    metadata: new Map(Object.entries(auth.metadata)),
    clientToken: '',
    accessor: '',
    period: msToWire(auth.periodMs),
    numUses: countToWire(auth.numUses),
    entityId: '',
    alias: auth.alias === undefined ? undefined : aliasToWire(auth.alias),
    groupAliases: auth.groupAliases.map(aliasToWire),
    boundCidrs: [...auth.boundCidrs],
    tokenPolicies: [],
    identityPolicies: [],
    explicitMaxTtl: msToWire(auth.explicitMaxTtlMs),
    tokenType: TOKEN_TYPES.indexOf(auth.tokenType),
    noDefaultPolicy: auth.noDefaultPolicy,
  }
}

export function authFromWire(auth: Auth): BackendAuth {
  return {
    ...leaseFromWire(auth.leaseOptions),
    internalData: jsonText(auth.internalData),
    displayName: auth.displayName,
    policies: auth.policies,
    metadata: Object.fromEntries(auth.metadata),
    periodMs: msFromWire(auth.period),
    numUses: countFromWire(auth.numUses),
    explicitMaxTtlMs: msFromWire(auth.explicitMaxTtl),
    alias: auth.alias === undefined ? undefined : aliasFromWire(auth.alias),
    groupAliases: auth.groupAliases.map(aliasFromWire),
    boundCidrs: auth.boundCidrs,
    tokenType: TOKEN_TYPES[auth.tokenType] ?? 'default',
    noDefaultPolicy: auth.noDefaultPolicy,
  }
}

/** The other fields of an alias are the host's. */
export function aliasToWire(
  alias: BackendAlias & { readonly mountAccessor?: string; readonly mountType?: string },
): Alias {
  return {
    mountType: alias.mountType ?? '',
    mountAccessor: alias.mountAccessor ?? '',
    name: alias.name,
    metadata: new Map(Object.entries(alias.metadata)),
    ID: '',
    namespaceId: '',
    customMetadata: new Map(),
    local: false,
    externalId: '',
    issuer: '',
  }
}

export function aliasFromWire(alias: Alias): BackendAlias {
  return { name: alias.name, metadata: Object.fromEntries(alias.metadata) }
}
