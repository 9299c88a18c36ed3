import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../../../lib/model/json.ts'
import { coercionOf } from '../../../lib/plugin/fields/coerce.ts'
import { durationSeconds } from '../../../lib/plugin/fields/duration.ts'
import type { FieldSchema } from '../../../lib/plugin/fields/schema.ts'

const CASES: readonly (readonly [FieldSchema, JsonValue, JsonValue | undefined])[] = [
  [{ type: 'string' }, 5, '5'],
  [{ type: 'string' }, true, 'true'],
  [{ type: 'string' }, ['a'], undefined],
  [{ type: 'string', format: 'lower-case' }, '  Ab ', 'ab'],
  [{ type: 'integer' }, '42', 42],
  [{ type: 'integer' }, '', 0],
  [{ type: 'integer' }, 1.5, undefined],
  [{ type: 'integer' }, '0x10', undefined],
  [{ type: 'integer' }, 2 ** 60, undefined],
  [{ type: 'number' }, '1.5e3', 1500],
  [{ type: 'number' }, 'Infinity', undefined],
  [{ type: 'boolean' }, 'true', true],
  [{ type: 'boolean' }, 'F', false],
  [{ type: 'boolean' }, 'yes', undefined],
  [{ type: 'boolean' }, 2, true],
  [{ type: 'array' }, 'a,b', ['a,b']],
  [{ type: 'array' }, '', []],
  [{ type: 'array', format: 'comma-list' }, ' a, b ,c', ['a', 'b', 'c']],
  [{ type: 'array', format: 'comma-list' }, ['a,b'], ['a,b']],
  [{ type: 'object' }, 'a=b', undefined],
  [{ type: 'object', format: 'key-value' }, ['a=b=c', 'd='], { a: 'b=c', d: '' }],
  [{ type: 'object', format: 'key-value' }, { a: 1 }, { a: '1' }],
  [{ type: 'object', format: 'key-value' }, ['a'], undefined],
  [{ type: 'object', format: 'key-value' }, { a: [] }, undefined],
  [{ type: 'integer', format: 'duration' }, '-1', undefined],
  [{ type: 'integer', format: 'signed-duration' }, '-90m', -5400],
  [{}, { any: [1] }, { any: [1] }],
]

for (const [schema, value, expected] of CASES) {
  const named = `${schema.type ?? 'any'}${schema.format === undefined ? '' : ` (${schema.format})`}`
  test(`${JSON.stringify(value)} as ${named} is ${JSON.stringify(expected) ?? 'refused'}`, () =>
    assert.deepEqual(coercionOf(schema)(value), expected))
}

test('keys of a map are keys, whatever they are called', () => {
  const read = coercionOf({ type: 'object', format: 'key-value' })(['__proto__=x'])
  assert.deepEqual(Object.keys(read as object), ['__proto__'])
})

const DURATIONS: readonly (readonly [unknown, number | undefined])[] = [
  [30, 30],
  [1.9, 1],
  ['30', 30],
  ['24h', 86_400],
  ['1h30m', 5_400],
  ['1.5h', 5_400],
  ['7d', 604_800],
  ['90000ms', 90],
  ['-5m', -300],
  ['+5m', 300],
  ['', 0],
  ['5', 5],
  ['h', undefined],
  ['-', undefined],
  ['5 m', undefined],
  ['5x', undefined],
  ['1h-5m', undefined],
  ['999999999h', undefined],
  [Number.NaN, undefined],
  [null, undefined],
  ['1'.repeat(100), undefined],
]

for (const [text, seconds] of DURATIONS) {
  test(`${JSON.stringify(text)} is ${seconds ?? 'no'} seconds`, () => assert.equal(durationSeconds(text), seconds))
}
