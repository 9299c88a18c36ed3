import type { JsonObject, JsonValue } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import type { Struct, Value } from './gen/google/protobuf/struct.ts'

/** Objects and lists within each other: what our decoder reads back. */
const MAX_DEPTH = 24

/** A JSON object as a message; numbers become doubles. @throws {RangeError} it is nested too deep. */
export function structToWire(object: JsonObject): Struct {
  return structAt(object, 0)
}

function structAt(object: JsonObject, depth: number): Struct {
  if (depth > MAX_DEPTH) throw new RangeError(`an object is nested deeper than ${MAX_DEPTH}`)
  return { fields: new Map(Object.entries(object).map(([name, value]) => [name, valueAt(value, depth + 1)])) }
}

function valueAt(value: JsonValue, depth: number): Value {
  if (depth > MAX_DEPTH) throw new RangeError(`a value is nested deeper than ${MAX_DEPTH}`)
  if (typeof value === 'string') return { kind: { $case: 'stringValue', value } }
  if (typeof value === 'boolean') return { kind: { $case: 'boolValue', value } }
  if (typeof value === 'number' && Number.isFinite(value)) return { kind: { $case: 'numberValue', value } }
  if (isJsonObject(value)) return { kind: { $case: 'structValue', value: structAt(value, depth) } }
  if (Array.isArray(value))
    return { kind: { $case: 'listValue', value: { values: value.map((item) => valueAt(item, depth + 1)) } } }
  return { kind: { $case: 'nullValue', value: 0 } }
}

/** The other way; what JSON cannot say (NaN, infinities, a value without kind) is `null`. The decoder bounds the depth. */
export function structFromWire(struct: Struct | undefined): JsonObject {
  const fields = struct?.fields ?? new Map<string, Value>()
  // Defines properties, so that a name `__proto__` is one like any other.
  return Object.fromEntries([...fields].map(([name, value]) => [name, valueFrom(value)]))
}

function valueFrom({ kind }: Value): JsonValue {
  switch (kind?.$case) {
    case 'stringValue':
    case 'boolValue':
      return kind.value
    case 'numberValue':
      return Number.isFinite(kind.value) ? kind.value : null
    case 'structValue':
      return structFromWire(kind.value)
    case 'listValue':
      return kind.value.values.map(valueFrom)
    default:
      return null
  }
}
