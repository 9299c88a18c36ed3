import type { JsonObject } from '../../../model/json.ts'
import type { PluginStorage } from '../../storage.ts'
import { isGone, versionData, versionOf } from './secret.ts'
import { findVersion, readSecret, readVersion } from './secrets.ts'

/** A version as it is read. */
export interface Found {
  /** Null also for a version that cannot be read any more. */
  readonly data: JsonObject | null
  readonly metadata: JsonObject
  readonly isGone: boolean
}

/**
 * Reads version `number` of a secret, the newest for 0 and below: two gets.
 *
 * Readers do not wait for writers. One that comes between may have dropped the version just told of: then all is read once more.
 *
 * @throws {PluginRefusal} the data is not there although the metadata says so: somebody else has written into the storage.
 */
export async function readFound(
  storage: PluginStorage,
  name: string,
  number: number,
  nowMs: number,
): Promise<Found | undefined> {
  for (let tries = 1; ; tries += 1) {
    const secret = name === '' ? undefined : await readSecret(storage, name)
    const found = secret === undefined ? undefined : versionOf(secret, number)
    if (secret === undefined || found === undefined) return undefined
    const metadata = versionData(secret, found.number, found.version)
    if (isGone(found.version, nowMs)) return { data: null, metadata, isGone: true }
    const data = await (tries === 1 ? findVersion : readVersion)(storage, name, found.number)
    if (data !== undefined) return { data, metadata, isGone: false }
  }
}
