import type { FieldSchema } from './schema.ts'

const ANY = ['type', 'description', 'title', 'deprecated', 'default', 'examples', 'enum', 'const']

/** Which keywords go with which type. */
export const KEYWORDS: Readonly<Record<NonNullable<FieldSchema['type']> | 'any', ReadonlySet<string>>> = {
  any: new Set(ANY),
  string: new Set([...ANY, 'format', 'pattern', 'minLength', 'maxLength']),
  integer: new Set([...ANY, 'format', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']),
  number: new Set([...ANY, 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']),
  boolean: new Set(ANY),
  array: new Set([...ANY, 'format', 'items', 'minItems', 'maxItems', 'uniqueItems']),
  object: new Set([...ANY, 'format', 'properties', 'required', 'additionalProperties']),
}
