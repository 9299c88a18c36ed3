import policySchema from '../../schemas/policy.schema.json' with { type: 'json' }

/**
 * Parts of the policy schema that tell editors what is told here in better words: what goes together in a rule, the form of
 * a path, the keywords of a JSON Schema. A test holds both to the same.
 */
const FOR_EDITORS = {
  ruleChecks: {},
  namespace: { type: 'string' },
  jsonSchema: {},
  topSchema: { type: 'object' },
  subjectSchema: { type: 'object' },
  closedSchema: { type: 'object' },
} as const

/** The policy schema as far as documents are checked by it before they are read. */
export const STRUCTURE_SCHEMA: object = Object.freeze({
  ...policySchema,
  $defs: { ...policySchema.$defs, ...FOR_EDITORS },
})

/** Parts of our schemas, and what they ask of a text. */
export const FORMS: readonly (readonly [name: string, form: string])[] = [
  ['name', 'letters, digits and _ . : / -, beginning with a letter, a digit or _, at most 128'],
  ['rate', 'a count of at most nine digits and s, m or h, such as 10/s, 100/m, 1000/h'],
  ['duration', 'a whole number and a unit, such as 30s, 5m, 1h'],
  ['timeOfDay', 'a time of day, such as 08:30'],
  ['timeZone', 'an IANA time zone, such as Europe/Zurich'],
  ['time', 'a time with its zone, such as 2026-01-05T09:30:00Z'],
  ['wholeTtl', 'a whole number and s, m or h, such as 60s'],
]
