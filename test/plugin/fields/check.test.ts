import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import type { JsonValue } from '../../../lib/model/json.ts'
import { compileField, FieldRefusal } from '../../../lib/plugin/fields/check.ts'
import type { FieldSchema } from '../../../lib/plugin/fields/schema.ts'

const small = fc.integer({ min: 0, max: 4 })
const text = fc.constantFrom('', 'a', 'ab', 'A1', 'é', '😀😀', 'abcdef', '1')
const leaf: fc.Arbitrary<FieldSchema> = fc.oneof(
  fc.record(
    {
      type: fc.constant('string' as const),
      minLength: small,
      maxLength: small,
      pattern: fc.constantFrom('^a', '\\d', '^.$', '^\\p{L}+$'),
      enum: fc.constantFrom(['a', 'ab'], ['', '1']),
    },
    { requiredKeys: ['type'] },
  ),
  fc.record(
    {
      type: fc.constantFrom('integer' as const, 'number' as const),
      minimum: fc.integer({ min: -2, max: 3 }),
      maximum: fc.integer({ min: 0, max: 5 }),
      exclusiveMinimum: fc.integer({ min: -2, max: 3 }),
      exclusiveMaximum: fc.integer({ min: 0, max: 5 }),
      enum: fc.constantFrom([1, 2], [0, 0.5]),
    },
    { requiredKeys: ['type'] },
  ),
  fc.constant<FieldSchema>({ type: 'boolean' }),
  fc.record({ const: fc.constantFrom<JsonValue>(1, 'a', null, [1], { a: 1 }) }),
  fc.record({ enum: fc.constantFrom<readonly JsonValue[]>([1, 'a'], [null, [1]], [{ a: 1 }]) }),
)
const { schema } = fc.letrec<{ schema: FieldSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.record(
      {
        type: fc.constant('array' as const),
        items: tie('schema'),
        minItems: small,
        maxItems: small,
        uniqueItems: fc.boolean(),
      },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      {
        type: fc.constant('object' as const),
        properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema'), { maxKeys: 3, noNullPrototype: true }),
        required: fc.uniqueArray(fc.constantFrom('a', 'b'), { maxLength: 2 }),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
      },
      { requiredKeys: ['type'] },
    ),
  ),
}))
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer({ min: -3, max: 6 }),
    fc.constantFrom<JsonValue>(0.5, true, false, null, 1e300),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))

function verdict(own: FieldSchema, given: JsonValue): JsonValue | undefined {
  try {
    return compileField(own, 'x')(given, 'x')
  } catch (error) {
    assert.ok(error instanceof FieldRefusal, String(error))
    return undefined
  }
}

test('what is refused, ajv refuses; what is taken, ajv takes once it is read', () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: true, allowUnionTypes: true })
  fc.assert(
    fc.property(schema, value, (own, given) => {
      const validate = ajv.compile(own)
      const read = verdict(own, given)
      if (read !== undefined) assert.ok(validate(read), JSON.stringify(validate.errors))
      else assert.equal(validate(given), false)
      ajv.removeSchema(own)
    }),
    { numRuns: 1_500 },
  )
})

test('a value of its type is taken as it is', () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false })
  fc.assert(
    fc.property(schema, value, (own, given) => {
      const validate = ajv.compile(own)
      if (validate(given)) assert.deepEqual(verdict(own, given), given)
    }),
    { numRuns: 1_500 },
  )
})

test('a refusal tells where and what was expected, and never the value', () => {
  const check = compileField(
    { type: 'object', properties: { list: { type: 'array', items: { type: 'integer', minimum: 3 } } } },
    'x',
  )
  assert.throws(() => check({ list: [4, 1] }, 'x'), { message: '"x/list/1" must be 3 or more' })
  assert.throws(() => check({ list: ['hunter2'] }, 'x'), { message: '"x/list/0" must be an integer' })
})

test('keywords and formats that do not go with the type are refused when the plugin is defined', () => {
  const refused: readonly object[] = [
    { type: 'string', minimum: 1 },
    { type: 'integer', format: 'name' },
    { type: 'string', oneOf: [] },
    { pattern: 'a' },
    { type: 'array', items: { type: 'string', nope: 1 } },
    { type: 'object', properties: { a: { type: 'string', $ref: '#' } } },
  ]
  for (const own of refused) assert.throws(() => compileField(own as FieldSchema, 'x'), TypeError, JSON.stringify(own))
})

test('a list of 100,000 different items is checked for doubles without a quadratic wait', () => {
  const check = compileField({ type: 'array', uniqueItems: true }, 'x')
  const started = performance.now()
  check(
    Array.from({ length: 100_000 }, (_, index) => index),
    'x',
  )
  assert.ok(performance.now() - started < 5_000)
})
