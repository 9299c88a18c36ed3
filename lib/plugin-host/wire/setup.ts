import type { MountFacts } from '../../model/backend.ts'
import type { SetupArgs } from './gen/backend.ts'

/** What a backend is told of its mount: those facts that travel. */
export type SetupFacts = Omit<MountFacts, 'path'>

/** `brokerId`: where storage and system view of this mount are announced. */
export function setupToWire(mount: SetupFacts, brokerId: number): SetupArgs {
  return {
    brokerId,
    Config: new Map([
      ...Object.entries(mount.options),
      ['plugin_name', mount.pluginName],
      ['plugin_type', mount.type],
      ['plugin_version', mount.pluginVersion],
    ]),
    backendUUID: mount.backendUuid,
  }
}

const OURS: ReadonlySet<string> = new Set(['plugin_name', 'plugin_type', 'plugin_version', 'plugin_tier'])

/** At registration in a catalog all of it is empty. */
export function setupFromWire({ Config, backendUUID }: SetupArgs): SetupFacts {
  return {
    type: Config.get('plugin_type') === 'auth' ? 'auth' : 'secret',
    pluginName: Config.get('plugin_name') ?? '',
    pluginVersion: Config.get('plugin_version') ?? '',
    backendUuid: backendUUID,
    options: Object.fromEntries([...Config].filter(([name]) => !OURS.has(name))),
  }
}
