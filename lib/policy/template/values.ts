import type { JudgedAttributes } from '../../model/caller.ts'
import type { Slot } from './slots.ts'

/** What a template resolves to for one caller: a segment; `null` without the attribute; `false` where it is no segment. */
export type SlotValue = string | null | false

/** Longer attributes are no segment. */
const SEGMENT_MAX_LENGTH = 512

/** What `attribute` of a caller stands in for. What could be more than one plain segment is none. */
export function slotValue(attributes: JudgedAttributes, attribute: Slot['attribute']): SlotValue {
  let value: unknown = attributes
  for (const name of attribute) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && isSegment(text) ? text : false
}

/** One segment of a path that a request can have, and no wildcard of a pattern. */
function isSegment(text: string): boolean {
  if (text === '' || text === '.' || text === '..' || text.length > SEGMENT_MAX_LENGTH) return false
  return text.isWellFormed() && !/[/+*\u0000-\u001f\u007f-\u009f]/.test(text)
}

/** Why a rule with a template of this value does not bind the caller. Names the attribute, never its value. */
export function unresolvedReason(attribute: Slot['attribute'], value: null | false): string {
  const name = JSON.stringify(attribute.join('.'))
  if (value === null) return `does not bind: the caller has no attribute ${name}`
  return `does not bind: the attribute ${name} is not one path segment (a text or number without / + *)`
}
