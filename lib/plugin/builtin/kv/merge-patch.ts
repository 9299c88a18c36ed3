import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'

/** `target` changed by `patch`, a JSON merge patch (RFC 7396): null removes, objects merge, all else replaces. Pure. */
export function mergePatch(target: JsonValue | undefined, patch: JsonObject): JsonObject {
  // A map, and entries, since a name can be `__proto__`.
  const result = new Map(isJsonObject(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name)
    else result.set(name, isJsonObject(value) ? mergePatch(result.get(name), value) : value)
  }
  return Object.fromEntries(result)
}
