import { Buffer } from 'node:buffer'
import type { JsonObject } from '../../../model/json.ts'
import { PluginRefusal } from '../../refusal.ts'
import type { PluginStorage } from '../../storage.ts'
import { encodeName, versionsFolder } from './keys.ts'
import type { Secret } from './secret.ts'

/** Where metadata is kept, by name. */
export const METADATA = 'metadata/'

/** The metadata of a secret; `undefined` for one that is not there. */
export function readSecret(storage: PluginStorage, name: string): Promise<Secret | undefined> {
  return storage.getJson<Secret>(METADATA + encodeName(name))
}

/** Writes the metadata of a secret: with it, a version exists. */
export function writeSecret(storage: PluginStorage, name: string, secret: Secret): Promise<void> {
  return storage.putJson(METADATA + encodeName(name), secret)
}

/** Data of a version. @throws {PluginRefusal} it is not there: somebody else has written into the storage. */
export async function readVersion(storage: PluginStorage, name: string, number: number): Promise<JsonObject | null> {
  const data = await findVersion(storage, name, number)
  if (data === undefined) throw new PluginRefusal('could not find version data', 'user')
  return data
}

/** Data of a version; `undefined` where there is none. */
export function findVersion(
  storage: PluginStorage,
  name: string,
  number: number,
): Promise<JsonObject | null | undefined> {
  return storage.getJson<JsonObject | null>(versionsFolder(name) + number)
}

/**
 * Writes a new version, its metadata, and then drops what is too many.
 *
 * In this order, since a host without transactions may die in between: data that no metadata tells of is never shown, and
 * written anew by the next try; metadata is there before the caller hears of it.
 */
export function storeVersion(
  storage: PluginStorage,
  name: string,
  secret: Secret,
  data: JsonObject | null,
  dropped: readonly number[],
): Promise<void> {
  return storage.transaction(async (view) => {
    await view.put(versionsFolder(name) + secret.current, Buffer.from(JSON.stringify(data)))
    await writeSecret(view, name, secret)
    await dropVersions(view, name, dropped)
  })
}

/** Writes metadata, and then drops the data of versions that it tells to be destroyed. */
export function storeDestroyed(
  storage: PluginStorage,
  name: string,
  secret: Secret,
  dropped: readonly number[],
): Promise<void> {
  return storage.transaction(async (view) => {
    await writeSecret(view, name, secret)
    await dropVersions(view, name, dropped)
  })
}

/** Removes a secret: its metadata first, so that no version is told that is gone, and then all data, left-overs too. */
export function removeSecret(storage: PluginStorage, name: string): Promise<void> {
  return storage.transaction(async (view) => {
    const folder = versionsFolder(name)
    const numbers = await view.list(folder)
    await view.delete(METADATA + encodeName(name))
    for (const number of numbers) await view.delete(folder + number)
  })
}

async function dropVersions(view: PluginStorage, name: string, numbers: readonly number[]): Promise<void> {
  const folder = versionsFolder(name)
  for (const number of numbers) await view.delete(folder + number)
}
