import type { BackendEntity, BackendWrap } from '../../model/backend.ts'
import type { ResponseWrapInfo } from './gen/backend.ts'
import type { Entity } from './gen/logical.ts'
import type { PluginEnvReply } from './gen/system-view.ts'
import { aliasFromWire, aliasToWire } from './lease.ts'
import { momentFromWire, momentToWire, msFromWire, msToWire } from './units.ts'

export function wrapToWire(wrap: BackendWrap): ResponseWrapInfo {
  return {
    TTL: msToWire(wrap.ttlMs),
    token: wrap.token,
    accessor: wrap.accessor,
    creationTime: momentToWire(wrap.createdAtMs),
    wrappedAccessor: '',
    wrappedEntityId: '',
    format: '',
    creationPath: wrap.creationPath,
    sealWrap: false,
  }
}

export function wrapFromWire(info: ResponseWrapInfo): BackendWrap {
  return {
    token: info.token,
    accessor: info.accessor,
    ttlMs: msFromWire(info.TTL),
    createdAtMs: momentFromWire(info.creationTime) ?? 0,
    creationPath: info.creationPath,
  }
}

export function entityToWire(entity: BackendEntity): Entity {
  return {
    ID: entity.id,
    name: entity.name,
    aliases: entity.aliases.map(aliasToWire),
    metadata: new Map(Object.entries(entity.metadata)),
    disabled: false,
    namespaceId: 'root',
  }
}

export function entityFromWire(entity: Entity): BackendEntity {
  return {
    id: entity.ID,
    name: entity.name,
    metadata: Object.fromEntries(entity.metadata),
    aliases: entity.aliases.map((alias) => ({
      ...aliasFromWire(alias),
      mountAccessor: alias.mountAccessor,
      mountType: alias.mountType,
    })),
  }
}

/** Always with an environment: plugins die of a reply without. */
export function environmentToWire(version: string): PluginEnvReply {
  return {
    pluginEnvironment: {
      vaultVersion: version,
      vaultVersionPrerelease: '',
      vaultVersionMetadata: '',
      vaultBuildDate: undefined,
    },
    err: '',
  }
}

/** Replication state of a node that has none: performance and disaster recovery both off. */
export const REPLICATION_OFF = 12_288
