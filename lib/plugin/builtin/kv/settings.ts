import type { JsonObject } from '../../../model/json.ts'

/** What a caller sets: its value, `empty` for null, `undefined` where the field is not sent. */
export function setting<T>(body: JsonObject, name: string, value: T | undefined, empty: T): T | undefined {
  return Object.hasOwn(body, name) ? (value ?? empty) : undefined
}

/** What is set, else what was. */
export function chosen<T>(set: T | undefined, before: T): T {
  return set === undefined ? before : set
}
