import type { JsonObject, JsonValue } from '../../model/json.ts'
import { compileField, type FieldCheck, FieldRefusal } from './check.ts'
import type { FieldsSchema } from './schema.ts'

/** What is done with fields that were not sent: `write` demands and completes, `ask` completes, `patch` leaves them out. */
export type FieldsMode = 'write' | 'ask' | 'patch'

/** The fields of one request, as a handler sees them. */
export interface ReadFields {
  readonly values: JsonObject
  /** Names that were sent and that the schema does not have; sorted. */
  readonly ignored: readonly string[]
  /** Names that the path gives and that were sent with another value; sorted. */
  readonly replaced: readonly string[]
}

/** Reads the fields of a path. @throws {FieldRefusal} where one is not what its schema wants. */
export type FieldsReader = (
  data: JsonObject,
  parameters: Readonly<Record<string, string>>,
  mode: FieldsMode,
) => ReadFields

const NONE: readonly string[] = Object.freeze([])
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/

/**
 * Compiles the schema of a path's fields. Parameters of the path override what was sent.
 *
 * @throws {TypeError} for a schema that cannot be used.
 */
export function compileFields(schema: FieldsSchema): FieldsReader {
  const { properties = {}, required = [], additionalProperties = false } = schema
  const checks = new Map(Object.entries(properties).map(([name, own]) => [name, checkOf(name, own)]))
  for (const name of required) if (!checks.has(name)) throw new TypeError(`required field "${name}" has no schema`)
  const defaults = Object.entries(properties).flatMap(([name, { default: value }]): [string, JsonValue][] =>
    value === undefined ? [] : [[name, checkedDefault(checks.get(name), value, name)]],
  )
  return (data, parameters, mode) => {
    const values: Record<string, JsonValue> = {}
    const ignored: string[] = []
    for (const name of Object.keys(data)) {
      const check = checks.get(name)
      const value = data[name]
      if (check === undefined) {
        if (!additionalProperties && !Object.hasOwn(parameters, name)) ignored.push(name)
      } else if (value !== undefined && value !== null && !Object.hasOwn(parameters, name))
        values[name] = check(value, name)
    }
    for (const [name, value] of Object.entries(parameters)) values[name] = checks.get(name)?.(value, name) ?? value
    if (mode !== 'patch') for (const [name, value] of defaults) values[name] ??= value
    const missing = mode === 'write' ? required.find((name) => values[name] === undefined) : undefined
    if (missing !== undefined) throw new FieldRefusal(missing, 'is required')
    return { values, ignored: ignored.sort(), replaced: replacedIn(data, parameters) }
  }
}

/** A default is read like any value: `"24h"` is 86400 for a duration. */
function checkedDefault(check: FieldCheck | undefined, value: JsonValue, name: string): JsonValue {
  try {
    return check?.(value, name) ?? value
  } catch (error) {
    throw new TypeError(`the default of field ${error instanceof Error ? error.message : name}`)
  }
}

function checkOf(name: string, schema: NonNullable<FieldsSchema['properties']>[string]): FieldCheck {
  if (!NAME.test(name) || name === '__proto__') throw new TypeError(`"${name}" is no name of a field`)
  return compileField(schema, name)
}

function replacedIn(data: JsonObject, parameters: Readonly<Record<string, string>>): readonly string[] {
  const names = Object.keys(parameters).filter((name) => Object.hasOwn(data, name) && data[name] !== parameters[name])
  return names.length === 0 ? NONE : names.toSorted()
}
