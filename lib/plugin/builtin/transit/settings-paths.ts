import { data } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import { PluginRefusal } from '../../refusal.ts'
import type { PluginStorage } from '../../storage.ts'

const KEYS_ENTRY = 'settings/keys'
const CACHE_ENTRY = 'settings/cache'
const MIN_CACHE = 10

/** Does encrypting make no keys on this mount? */
export async function isUpsertDisabled(storage: PluginStorage): Promise<boolean> {
  return (await storage.getJson<{ readonly disable_upsert: boolean }>(KEYS_ENTRY))?.disable_upsert === true
}

/** Settings of a mount. */
export const settingsPaths: readonly Path[] = [
  path('config/keys', {
    summary: 'How keys come about.',
    fields: { properties: { disable_upsert: { type: 'boolean', description: 'Encrypting makes no keys.' } } },
    read: async ({ storage }) => data({ disable_upsert: await isUpsertDisabled(storage) }),
    update: async ({ storage, fields }) => {
      const disable_upsert = fields.disable_upsert ?? (await isUpsertDisabled(storage))
      await storage.putJson(KEYS_ENTRY, { disable_upsert })
      return data({ disable_upsert })
    },
  }),
  path('cache-config', {
    summary: 'Kept for those who script against it: up to 1000 keys are kept in memory, whatever the size.',
    fields: { properties: { size: { type: 'integer', default: 0 } } },
    read: async ({ storage }) => data({ size: await cacheSize(storage) }),
    update: async ({ storage, fields }) => {
      const { size } = fields
      if (size !== 0 && size < MIN_CACHE)
        throw new PluginRefusal(`size must be 0 or a value greater or equal to ${MIN_CACHE}`)
      await storage.putJson(CACHE_ENTRY, { size })
      return data({ size })
    },
  }),
]

async function cacheSize(storage: PluginStorage): Promise<number> {
  return (await storage.getJson<{ readonly size: number }>(CACHE_ENTRY))?.size ?? 0
}
