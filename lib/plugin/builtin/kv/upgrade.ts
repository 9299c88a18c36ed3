import type { JsonObject } from '../../../model/json.ts'
import type { PluginStorage } from '../../storage.ts'
import { timeText, withVersion } from './changes.ts'
import { readConfig } from './config.ts'
import { decodeName } from './keys.ts'
import { emptySecret } from './secret.ts'
import { readSecret, storeVersion } from './secrets.ts'
import { SECRETS } from './v1.ts'

/**
 * Takes what a mount kept as version 1 over into version 2, each secret as its first version.
 *
 * One after the other, the old entry last: cut off anywhere, the next start goes on. Of a mount that has none it is one list.
 */
export async function upgrade(storage: PluginStorage, nowMs: number, folder: string = SECRETS): Promise<void> {
  for (const entry of await storage.list(folder)) {
    if (entry.endsWith('/')) await upgrade(storage, nowMs, folder + entry)
    else await upgradeSecret(storage, nowMs, folder + entry)
  }
}

async function upgradeSecret(storage: PluginStorage, nowMs: number, key: string): Promise<void> {
  const name = decodeName(key.slice(SECRETS.length))
  const data = await storage.getJson<JsonObject>(key)
  // What is there already was taken over before, and may have been changed since.
  if (data !== undefined && (await readSecret(storage, name)) === undefined) {
    const { secret } = withVersion(emptySecret(timeText(nowMs)), await readConfig(storage), nowMs)
    await storeVersion(storage, name, secret, data, [])
  }
  await storage.delete(key)
}
