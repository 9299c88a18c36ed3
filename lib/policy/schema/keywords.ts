/** What a keyword's value holds: one schema, a list of them, a map of them, or plain data. */
export type Holds = 'schema' | 'list' | 'map' | 'data'

/** Keywords that a schema in a policy can have. */
export const KEYWORDS: ReadonlyMap<string, Holds> = new Map<string, Holds>([
  ...['additionalProperties', 'unevaluatedProperties', 'propertyNames', 'items', 'unevaluatedItems', 'contains']
    .concat('not', 'if', 'then', 'else')
    .map((name): [string, Holds] => [name, 'schema']),
  ...['allOf', 'anyOf', 'oneOf', 'prefixItems'].map((name): [string, Holds] => [name, 'list']),
  ...['properties', 'patternProperties', 'dependentSchemas', '$defs'].map((name): [string, Holds] => [name, 'map']),
  ...['$schema', '$ref', '$comment', 'type', 'enum', 'const', 'required', 'dependentRequired', 'pattern']
    .concat('minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')
    .concat('minItems', 'maxItems', 'uniqueItems', 'minContains', 'maxContains', 'minProperties', 'maxProperties')
    .concat('title', 'description', 'default', 'deprecated', 'readOnly', 'writeOnly', 'examples')
    .map((name): [string, Holds] => [name, 'data']),
])
