import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { PluginRefusal } from '../../refusal.ts'

/**
 * Holds a write of data to the version that its caller knows.
 *
 * @param options - Field `options` of the request; its `cas` is the number of the newest version, 0 for "none yet".
 * @throws {PluginRefusal} with the words that clients know.
 */
export function checkCas(options: JsonValue | undefined, current: number, isRequired: boolean): void {
  if (!isJsonObject(options) || !Object.hasOwn(options, 'cas')) {
    if (isRequired) throw new PluginRefusal('check-and-set parameter required for this call')
    return
  }
  const cas = wholeNumber(options.cas)
  if (cas === undefined) throw new PluginRefusal('error parsing check-and-set parameter')
  if (cas !== current) throw new PluginRefusal('check-and-set parameter did not match the current version')
}

/** Read weakly, as command lines send it. */
function wholeNumber(value: JsonValue | undefined): number | undefined {
  if (value === null || value === '') return 0
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'string') return /^[+-]?\d{1,15}$/.test(value) ? Number(value) : undefined
  return Number.isSafeInteger(value) ? Number(value) : undefined
}

/** As {@link checkCas}, for a change of metadata. @param current - `undefined` where there is no metadata yet. */
export function checkMetadataCas(cas: number | undefined, current: number | undefined, isRequired: boolean): void {
  if (cas === undefined) {
    if (isRequired) throw new PluginRefusal('metadata check-and-set parameter required for this call')
    return
  }
  if (current === undefined && cas !== 0) throw new PluginRefusal('metadata_cas must be 0 when creating new metadata')
  if (cas !== (current ?? 0))
    throw new PluginRefusal('metadata check-and-set parameter does not match the current version')
}

/** Field `data` of a write. @throws {PluginRefusal} there is none; null is one. */
export function dataIn(body: JsonObject, read: JsonObject | undefined): JsonObject | null {
  if (!Object.hasOwn(body, 'data')) throw new PluginRefusal('no data provided')
  return read ?? null
}
