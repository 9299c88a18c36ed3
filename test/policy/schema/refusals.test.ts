import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicyText } from '../../../lib/policy/parse.ts'
import { allow, engineFor } from '../support.ts'

const CLOSED = { additionalProperties: false }
const field = (schema: unknown, rest: object = {}): object => ({ properties: { a: schema }, ...rest, ...CLOSED })
const many = (count: number, make: (at: number) => unknown): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`d${at}`, make(at)]))
/** Definitions each of which refers to the next, as `make` says; the last to none. */
const chain = (count: number, make: (next: object) => object): object =>
  many(count, (at) => (at === count - 1 ? { type: 'object' } : make({ $ref: `#/$defs/d${at + 1}` })))

const TOO_OFTEN = 'could judge one value more than 1000 times over: its parts lead to the same ones in several ways'

/** Request schema, pointer below `/rules/0/request`, and problem. */
const REFUSALS: readonly (readonly [string, object, string, string])[] = [
  [
    'a chain of references that doubles at each link',
    field({ $ref: '#/$defs/d0' }, { $defs: chain(60, (next) => ({ allOf: [next, next] })) }),
    '/$defs/d51',
    TOO_OFTEN,
  ],
  [
    'a chain that doubles at each level of the data',
    field(
      { $ref: '#/$defs/d0' },
      { $defs: chain(60, (next) => ({ type: 'object', properties: { a: { anyOf: [next, { not: next }] } } })) },
    ),
    '/$defs/d0/properties/a',
    TOO_OFTEN,
  ],
  [
    'a part that leads back to itself in two ways',
    field(
      { $ref: '#/$defs/node' },
      {
        $defs: {
          node: {
            type: 'object',
            oneOf: [
              { properties: { a: { $ref: '#/$defs/node' } } },
              { properties: { a: { $ref: '#/$defs/node' } }, required: ['b'] },
            ],
          },
        },
      },
    ),
    '/properties/a',
    TOO_OFTEN,
  ],
  [
    'items that are judged as items and as contained',
    field(
      { $ref: '#/$defs/list' },
      { $defs: { list: { type: 'array', items: { $ref: '#/$defs/list' }, contains: { $ref: '#/$defs/list' } } } },
    ),
    '/properties/a',
    TOO_OFTEN,
  ],
  [
    'names that several patterns match, level by level',
    field(
      { $ref: '#/$defs/d0' },
      {
        $defs: chain(6, (next) => ({
          type: 'object',
          patternProperties: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`^.*${name}`, next])),
        })),
      },
    ),
    '/properties/a',
    TOO_OFTEN,
  ],
  [
    'a part that refers to itself for the same value',
    field({ $ref: '#/$defs/a' }, { $defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { $ref: '#/$defs/a' } } }),
    '/$defs/a',
    'refers to itself for the same value, so nothing could ever pass',
  ],
  [
    'a reference to data',
    field({ $ref: '#/$defs/a/const' }, { $defs: { a: { const: { type: 'array', uniqueItems: true } } } }),
    '/properties/a/$ref',
    'names data, not a schema; put the schema below "$defs"',
  ],
  [
    'a reference to a list of schemas',
    field({ $ref: '#/allOf' }, { allOf: [{ type: 'object' }] }),
    '/properties/a/$ref',
    'names data, not a schema; put the schema below "$defs"',
  ],
  [
    'a reference that is written in percents',
    field({ $ref: '#/%24defs/a' }, { $defs: { a: true } }),
    '/properties/a/$ref',
    'must be written without percent-encoding',
  ],
  [
    'a reference to what every object has',
    field({ $ref: '#/$defs/constructor' }, { $defs: {} }),
    '',
    "the schema is wrong: can't resolve reference #/$defs/constructor from id #",
  ],
  [
    'a part that is referred to by hundreds, large though it is',
    {
      $defs: { d: { properties: many(500, () => ({})) } },
      properties: many(600, () => ({ $ref: '#/$defs/d' })),
      ...CLOSED,
    },
    '',
    'the schema has more than 1000 parts',
  ],
  [
    'hundreds of branches',
    { oneOf: Array.from({ length: 251 }, (_, at) => ({ properties: { a: { const: at } } })), ...CLOSED },
    '/oneOf',
    'has more than 250 schemas',
  ],
  [
    'hundreds of branches by name',
    { dependentSchemas: many(251, () => ({})), unevaluatedProperties: false },
    '/dependentSchemas',
    'has more than 250 schemas',
  ],
  [
    'a pattern that is small and becomes large',
    field({ type: 'string', pattern: '(a?){1000}(b?){1000}' }),
    '/properties/a/pattern',
    'the pattern cannot be used: it takes up to 8002 steps a character, more than 5000',
  ],
  [
    'a pattern that repeats repetitions',
    field({ type: 'string', pattern: '((a{100}){100}){100}' }),
    '/properties/a/pattern',
    'the pattern cannot be used: error parsing regexp: invalid repeat count: `{100}` (look-ahead, look-behind and back-references are not supported)',
  ],
  [
    'a pattern of thousands of groups',
    field({ type: 'string', pattern: `${'('.repeat(5000)}a${')'.repeat(5000)}` }),
    '/properties/a/pattern',
    'the pattern cannot be used: error parsing regexp: expression nests too deeply (look-ahead, look-behind and back-references are not supported)',
  ],
  [
    'a pattern for names that becomes large',
    { patternProperties: { '(a?){1000}(b?){1000}': {} }, ...CLOSED },
    '/patternProperties/(a?){1000}(b?){1000}',
    'the pattern cannot be used: it takes up to 8002 steps a character, more than 5000',
  ],
  [
    'long names that are nearly alike',
    { properties: { [`${'x'.repeat(20_000)}y`]: {} }, required: ['x'.repeat(20_000)], ...CLOSED },
    '/required',
    `requires "${'x'.repeat(20_000)}", which "properties" does not name`,
  ],
  [
    'a name with half a character',
    { properties: { 'a\ud800': {} }, ...CLOSED },
    '/properties',
    'a name must not have a lone surrogate',
  ],
  [
    'an infinite number',
    field({ const: Number.POSITIVE_INFINITY }),
    '/properties/a/const',
    'must be JSON, got a number',
  ],
  [
    '$data in a list of values',
    field({ enum: { $data: '/b' } }),
    '/properties/a/enum/$data',
    '"$data" is not allowed: values of the request must not become part of the schema',
  ],
]

for (const [what, request, below, problem] of REFUSALS) {
  test(`${what} is refused at load, by place`, async () => {
    const pointer = `/rules/0/request${below}`
    await assert.rejects(engineFor(allow('kv/a', ['write'], { request })), {
      code: 'ERR_PORTCULLIS_POLICY_INVALID',
      file: 'p0.json',
      pointer,
      message: `p0.json at ${pointer}: ${problem}`,
    })
  })
}

/** Text of a policy file, and problem. */
const TEXTS: readonly (readonly [string, string, string])[] = [
  ['a number out of range', '{\n"a": 1e400}', 'line 2: the number is out of range: it would be read as infinite'],
  [
    'a number without end',
    `[${'9'.repeat(1_000_000)}]`,
    'line 1: the number is out of range: it would be read as infinite',
  ],
  [
    'UTF-16',
    Buffer.from('\ufeff{}', 'utf16le').toString('utf8'),
    'line 1: the text is not UTF-8, or holds U+FFFD, which stands for what is not',
  ],
  [
    'bytes that are no UTF-8',
    Buffer.from([0x7b, 0x22, 0x0a, 0xff, 0x22, 0x7d]).toString('utf8'),
    'line 2: the text is not UTF-8, or holds U+FFFD, which stands for what is not',
  ],
  ['two byte order marks', '\ufeff\ufeff{}', 'line 1: expected a value, found "\ufeff"'],
  ['a text without end', `"${'a'.repeat(1_000_000)}`, 'line 1: expected a name or text in double quotes, found "\\""'],
]

for (const [what, text, problem] of TEXTS) {
  test(`${what} is refused in a policy file`, () => {
    assert.throws(() => parsePolicyText('p.json', text), { message: `p.json: ${problem}` })
  })
}
