import { isJsonObject, type JsonObject } from '../../../model/json.ts'

/**
 * The names in `data` without their values: those of an object below stand in its place, null in that of everything else.
 *
 * @param depth - Levels of names; 0 for all, and below 0 as 1.
 */
export function subkeysOf(data: JsonObject, depth: number): JsonObject {
  const entries = Object.entries(data).map(([name, value]): [string, JsonObject | null] => {
    const isOpen = depth === 0 || depth > 1
    const below = isOpen && isJsonObject(value) && Object.keys(value).length > 0
    return [name, below ? subkeysOf(value, depth === 0 ? 0 : depth - 1) : null]
  })
  return Object.fromEntries(entries)
}
