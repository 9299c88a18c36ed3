import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'

/**
 * The request schema of a policy for an OpenAPI schema: closed, without descriptions, and taking every form in which
 * servers take a type (a duration also as text such as `1h`, a list of texts also as one text with commas).
 */
export function requestSchemaOf(schema: JsonObject): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === 'string') : []
  return {
    properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, schemaFor(each)])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  }
}

function schemaFor(schema: JsonValue): JsonObject {
  if (!isJsonObject(schema)) return {}
  if (Array.isArray(schema.enum) && schema.type !== 'array') return { enum: schema.enum }
  if (schema.type === 'integer') return integer(schema.format)
  if (schema.type === 'number' || schema.type === 'boolean' || schema.type === 'string') return { type: schema.type }
  if (schema.type === 'array') return { type: ['array', 'string'], items: schemaFor(schema.items ?? {}) }
  return schema.type === 'object' ? { type: 'object' } : {}
}

function integer(format: JsonValue | undefined): JsonObject {
  if (format !== 'seconds') return { type: 'integer' }
  return { type: ['integer', 'string'], pattern: '^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d)?)+$' }
}
