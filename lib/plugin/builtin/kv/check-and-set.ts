import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { Refused } from './refused.ts'

/**
 * Holds a write of data to the version that its caller knows.
 *
 * @param options - Field `options` of the request; its `cas` is the number of the newest version, 0 for "none yet".
 * @throws {Refused} with the words that clients know.
 */
export function checkCas(options: JsonValue | undefined, current: number, isRequired: boolean): void {
  if (!isJsonObject(options) || !Object.hasOwn(options, 'cas')) {
    if (isRequired) throw new Refused('check-and-set parameter required for this call')
    return
  }
  const cas = wholeNumber(options.cas)
  if (cas === undefined) throw new Refused('error parsing check-and-set parameter')
  if (cas !== current) throw new Refused('check-and-set parameter did not match the current version')
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
    if (isRequired) throw new Refused('metadata check-and-set parameter required for this call')
    return
  }
  if (current === undefined && cas !== 0) throw new Refused('metadata_cas must be 0 when creating new metadata')
  if (cas !== (current ?? 0)) throw new Refused('metadata check-and-set parameter does not match the current version')
}

/** Field `data` of a write. @throws {Refused} there is none; null is one. */
export function dataIn(body: JsonObject, read: JsonObject | undefined): JsonObject | null {
  if (!Object.hasOwn(body, 'data')) throw new Refused('no data provided')
  return read ?? null
}
