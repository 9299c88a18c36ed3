import type { JsonObject } from '../../../model/json.ts'
import type { PluginStorage } from '../../storage.ts'
import { durationText } from './duration-text.ts'

/** Settings of a v2 mount, for secrets that have none of their own. */
export interface Config {
  /** 0: 10. */
  readonly maxVersions: number
  readonly casRequired: boolean
  readonly metadataCasRequired: boolean
  /** Seconds after which a new version is deleted; 0: never, below 0: never, whatever a secret says. */
  readonly deleteAfter: number
}

const KEY = 'config'
const DEFAULT: Config = { maxVersions: 0, casRequired: false, metadataCasRequired: false, deleteAfter: 0 }

export async function readConfig(storage: PluginStorage): Promise<Config> {
  return (await storage.getJson<Config>(KEY)) ?? DEFAULT
}

export async function writeConfig(storage: PluginStorage, config: Config): Promise<void> {
  await storage.putJson(KEY, config)
}

/** The settings as callers see them. */
export function configData(config: Config): JsonObject {
  return {
    cas_required: config.casRequired,
    delete_version_after: durationText(config.deleteAfter),
    max_versions: config.maxVersions,
    metadata_cas_required: config.metadataCasRequired,
  }
}
