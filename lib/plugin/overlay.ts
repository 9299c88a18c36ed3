import { Buffer } from 'node:buffer'
import type { PluginStorage } from './storage.ts'

/** Changes not written yet, by key; `undefined` deletes. */
export type Changes = Map<string, { readonly value: Uint8Array; readonly sealWrap: boolean } | undefined>

/** `storage` as it will be once `changes` are written; what is changed through it goes into `changes`. */
export function overlayOf(storage: PluginStorage, changes: Changes): PluginStorage {
  const overlay: PluginStorage = {
    get: async (key) => (changes.has(key) ? changes.get(key)?.value : storage.get(key)),
    put: async (key, value, { sealWrap = false } = {}) => {
      // The caller may use its bytes again.
      changes.set(key, { value: Buffer.from(value), sealWrap })
    },
    delete: async (key) => {
      changes.set(key, undefined)
    },
    list: async (prefix, { after = '', limit = Infinity } = {}) => {
      const names = changed(await allBelow(storage, prefix, changes), prefix, changes)
      return names.filter((name) => compareBytes(name, after) > 0).slice(0, limit === Infinity ? undefined : limit)
    },
    getJson: async <T>(key: string) => {
      const value = await overlay.get(key)
      return value === undefined ? undefined : (JSON.parse(Buffer.from(value).toString('utf8')) as T)
    },
    putJson: (key, value) => overlay.put(key, Buffer.from(JSON.stringify(value))),
    transaction: (work) => work(overlay),
  }
  return overlay
}

/** Names below `prefix` that are there; a folder all of whose keys are deleted is none. */
async function allBelow(storage: PluginStorage, prefix: string, changes: Changes): Promise<Set<string>> {
  const names = new Set<string>()
  for (const name of await storage.list(prefix)) {
    const isGone = name.endsWith('/')
      ? await isEmptied(storage, prefix + name, changes)
      : isDeleted(changes, prefix + name)
    if (!isGone) names.add(name)
  }
  return names
}

async function isEmptied(storage: PluginStorage, folder: string, changes: Changes): Promise<boolean> {
  const hasDeleted = [...changes].some(([key, change]) => change === undefined && key.startsWith(folder))
  return hasDeleted && (await allBelow(storage, folder, changes)).size === 0
}

function isDeleted(changes: Changes, key: string): boolean {
  return changes.has(key) && changes.get(key) === undefined
}

function changed(names: Set<string>, prefix: string, changes: Changes): readonly string[] {
  for (const [key, change] of changes) {
    if (change === undefined || !key.startsWith(prefix) || key === prefix) continue
    const rest = key.slice(prefix.length)
    const slash = rest.indexOf('/')
    names.add(slash === -1 ? rest : rest.slice(0, slash + 1))
  }
  return [...names].sort(compareBytes)
}

/** Order of UTF-8 bytes, which is not that of UTF-16 units. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
