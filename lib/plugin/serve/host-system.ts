import { randomUUID } from 'node:crypto'
import { EventsService, SystemViewService } from '../../plugin-host/wire/gen/services.ts'
import { structToWire } from '../../plugin-host/wire/struct.ts'
import { entityFromWire, wrapFromWire } from '../../plugin-host/wire/system-view.ts'
import { msFromWire, msToWire } from '../../plugin-host/wire/units.ts'
import type { PluginSystem } from '../host.ts'
import { HostError } from '../refusal.ts'
import { accepted, type HostConnection, isUnimplemented } from './host-connection.ts'

/** What a mount may ask of its host, over the wire. */
export function hostSystem(host: HostConnection): PluginSystem {
  return {
    defaultLeaseTtlMs: async () => msFromWire((await host.call(SystemViewService.defaultLeaseTtl, {})).TTL),
    maxLeaseTtlMs: async () => msFromWire((await host.call(SystemViewService.maxLeaseTtl, {})).TTL),
    isTainted: async () => (await host.call(SystemViewService.tainted, {})).tainted,
    wrap: async (data, ttlMs) => {
      const request = { data: JSON.stringify(data), TTL: msToWire(ttlMs), JWT: false }
      const call = 'pb.SystemView/ResponseWrapData'
      const { wrapInfo } = accepted(call, await host.call(SystemViewService.responseWrapData, request))
      if (wrapInfo === undefined) throw new HostError(call, 'the host wrapped nothing')
      return wrapFromWire(wrapInfo)
    },
    password: async (policy) =>
      (await host.call(SystemViewService.generatePasswordFromPolicy, { policyName: policy })).password,
    entity: async (id) => {
      const reply = await host.call(SystemViewService.entityInfo, { entityId: id })
      const { entity } = accepted('pb.SystemView/EntityInfo', reply)
      return entity === undefined ? undefined : entityFromWire(entity)
    },
    groups: async (entityId) => {
      const reply = await host.call(SystemViewService.groupsForEntity, { entityId })
      return accepted('pb.SystemView/GroupsForEntity', reply).groups.map(({ ID, name }) => ({ id: ID, name }))
    },
    serverVersion: async () => {
      const reply = await host.call(SystemViewService.pluginEnv, {})
      return accepted('pb.SystemView/PluginEnv', reply).pluginEnvironment?.vaultVersion ?? ''
    },
    clusterId: async () =>
      accepted('pb.SystemView/ClusterInfo', await host.call(SystemViewService.clusterInfo, {})).clusterId,
    sendEvent: async (type, metadata) => {
      const event = { id: randomUUID(), metadata: structToWire(metadata), entityIds: [], note: '' }
      try {
        await host.call(EventsService.sendEvent, { eventType: type, event })
      } catch (error) {
        if (!isUnimplemented(error)) throw error
      }
    },
  }
}
