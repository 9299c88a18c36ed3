import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayRequest } from '../../lib/model/request.ts'
import type { PolicyEngine } from '../../lib/policy/engine.ts'
import { ANYONE, allow, data, engineFor, request, said } from './support.ts'

const SECRET = 'hvs.planted-secret'
const CLOSED = { additionalProperties: false }

/** Engine whose one rule asks `schema` of the data of a write to `kv/a`. */
function asking(schema: object, rest: object = {}): Promise<PolicyEngine> {
  return engineFor(allow('kv/a', ['write'], { request: schema, ...rest }))
}

function write(text: string, rest: Partial<GatewayRequest> = {}): GatewayRequest {
  return request('write', 'kv/a', { data: data(text), ...rest })
}

/** Schema, data that fails, pointer, keyword and hint. */
const FAILURES: readonly (readonly [object, string, string, string, string])[] = [
  [{ properties: { a: { type: 'string' } } }, '{"a":1}', '/a', 'type', 'must be of type string'],
  [{ properties: { a: { type: ['string', 'null'] } } }, '{"a":1}', '/a', 'type', 'must be of type string or null'],
  [{ properties: { a: { enum: ['x', 'y'] } } }, `{"a":"${SECRET}"}`, '/a', 'enum', 'must be one of "x", "y"'],
  [{ properties: { a: { const: 'x' } } }, `{"a":"${SECRET}"}`, '/a', 'const', 'must be "x"'],
  [
    { properties: { a: { type: 'string', maxLength: 3 } } },
    `{"a":"${SECRET}"}`,
    '/a',
    'maxLength',
    'must have at most 3 characters',
  ],
  [
    { properties: { a: { type: 'string', minLength: 99 } } },
    `{"a":"${SECRET}"}`,
    '/a',
    'minLength',
    'must have at least 99 characters',
  ],
  [
    { properties: { a: { type: 'string', pattern: '^x$' } } },
    `{"a":"${SECRET}"}`,
    '/a',
    'pattern',
    'must match the pattern ^x$',
  ],
  [{ properties: { a: { type: 'number', maximum: 3 } } }, '{"a":4}', '/a', 'maximum', 'must be at most 3'],
  [{ properties: { a: {} }, required: ['a'] }, '{}', '', 'required', 'must have the property "a"'],
  [{ properties: { a: {} } }, `{"${SECRET}":1}`, '', 'additionalProperties', 'must have no properties but "a"'],
  [
    { properties: { a: { type: 'object', ...CLOSED } } },
    `{"a":{"${SECRET}":1}}`,
    '/a',
    'additionalProperties',
    'must have no properties that the schema does not name',
  ],
  [
    { $defs: { d: { type: 'object', ...CLOSED } }, properties: { a: { $ref: '#/$defs/d' } } },
    `{"a":{"${SECRET}":1}}`,
    '/a',
    'additionalProperties',
    'must have no properties that the schema does not name',
  ],
  [{ additionalProperties: { type: 'string' } }, `{"${SECRET}":1}`, '', 'type', 'must be of type string'],
  [
    { additionalProperties: { type: 'object', properties: { a: { type: 'string' } } } },
    `{"${SECRET}":{"a":1}}`,
    '',
    'type',
    'must be of type string',
  ],
  [
    { additionalProperties: true, propertyNames: { maxLength: 3, type: 'string' } },
    `{"${SECRET}":1}`,
    '',
    'propertyNames',
    'must have no property names but those that the schema allows',
  ],
  [
    { additionalProperties: undefined, unevaluatedProperties: false },
    `{"${SECRET}":1}`,
    '',
    'unevaluatedProperties',
    'must have no properties but those that the schema names',
  ],
  [
    { properties: { a: { type: 'array', items: { type: 'string' } } } },
    '{"a":["x",1]}',
    '/a/1',
    'type',
    'must be of type string',
  ],
  [
    { properties: { a: { anyOf: [{ const: 1 }, { const: 2 }] } } },
    '{"a":3}',
    '/a',
    'anyOf',
    'must pass one of the schemas of "anyOf"',
  ],
  [
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
    { properties: { a: {}, b: { type: 'string' } }, if: { required: ['a'] }, then: { required: ['b'] } },
    '{"a":3}',
    '',
    'required',
    'must have the property "b"',
  ],
  [{ patternProperties: { '^x': { type: 'string' } } }, '{"x-planted":3}', '', 'type', 'must be of type string'],
]

for (const [schema, text, pointer, keyword, hint] of FAILURES) {
  test(`${JSON.stringify(schema)} refuses ${text} by pointer and keyword, without its words`, async () => {
    const { additionalProperties, ...rest } = { ...CLOSED, ...schema } as Record<string, unknown>
    const engine = await asking(additionalProperties === undefined ? rest : { ...rest, additionalProperties })
    const { decision } = engine.decide(ANYONE, write(text))
    assert.equal(decision.reason, 'request-schema')
    assert.equal(decision.pointer, `/data${pointer}`)
    assert.equal(decision.keyword, keyword)
    assert.equal(decision.message, `/data${pointer} ${hint} (${keyword})`)
    const told = JSON.stringify([decision, engine.explain(ANYONE, write(text))])
    assert.ok(!told.includes('planted'), told)
  })
}

test('a number as name of a property is a name, not an index', async () => {
  const engine = await asking({ additionalProperties: { type: 'string' } })
  assert.equal(engine.decide(ANYONE, write('{"4111111111111111":1}')).decision.pointer, '/data')
})

test('data that is not there is judged as an empty object', async () => {
  const engine = await asking({ properties: { a: {} }, required: ['a'], ...CLOSED })
  assert.equal(said(engine, request('write', 'kv/a')), 'deny request-schema rule-0')
})

test('names that every object has do not count as present', async () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    const engine = await asking({ properties: { [name]: {} }, required: [name], ...CLOSED })
    assert.equal(said(engine, write('{}')), 'deny request-schema rule-0')
    assert.equal(said(engine, write(`{"${name}":1}`)), 'allow rule rule-0')
  }
})

test('the name __proto__ in data is a name like others, and refused where it is not named', async () => {
  const engine = await asking({ properties: { a: {} }, ...CLOSED })
  assert.equal(said(engine, write('{"__proto__":{"a":1}}')), 'deny request-schema rule-0')
})

test('a pattern that native engines choke on is answered at once', { timeout: 5000 }, async () => {
  const engine = await asking({ properties: { a: { type: 'string', pattern: '^(a+)+$' } }, ...CLOSED })
  assert.equal(said(engine, write(`{"a":"${'a'.repeat(50_000)}!"}`)), 'deny request-schema rule-0')
  assert.equal(said(engine, write(`{"a":"${'a'.repeat(50)}"}`)), 'allow rule rule-0')
})

test('each pattern is judged by itself', async () => {
  const engine = await asking({
    properties: { a: { type: 'string', pattern: '^a$' }, b: { type: 'string', pattern: '^b$' } },
    ...CLOSED,
  })
  assert.equal(said(engine, write('{"a":"a","b":"b"}')), 'allow rule rule-0')
  assert.equal(said(engine, write('{"a":"a","b":"a"}')), 'deny request-schema rule-0')
  assert.equal(said(engine, write('{"a":"a\\n"}')), 'deny request-schema rule-0')
})

test('a schema that refers to itself refuses data nested deeper than can be judged', async () => {
  const node = { type: 'object', properties: { a: { $ref: '#/$defs/node' } }, ...CLOSED }
  const schema = { $defs: { node }, properties: { a: { $ref: '#/$defs/node' } }, ...CLOSED }
  const engine = await asking(schema)
  assert.equal(said(engine, write('{"a":{"a":{}}}')), 'allow rule rule-0')
  let deep = {}
  for (let at = 0; at < 200_000; at += 1) deep = { a: deep }
  assert.equal(said(engine, request('write', 'kv/a', { data: deep })), 'deny request-schema rule-0')
})

test('several allow rules stay whole: one of them must accept', async () => {
  const one = { properties: { a: { const: 1 }, b: { const: 1 } }, ...CLOSED }
  const two = { properties: { a: { const: 2 }, b: { const: 2 } }, ...CLOSED }
  const engine = await engineFor(allow('kv/a', ['write'], { request: one }), allow('kv/a', ['write'], { request: two }))
  assert.equal(said(engine, write('{"a":1,"b":1}')), 'allow rule rule-0')
  assert.equal(said(engine, write('{"a":2,"b":2}')), 'allow rule rule-1')
  const { decision } = engine.decide(ANYONE, write('{"a":2,"b":1}'))
  assert.equal(decision.message, '/data/a must be 1 (const) (1 more on the same path refuse it too)')
})

test('under a request schema every query parameter is refused', async () => {
  const engine = await asking({ properties: { a: {} }, ...CLOSED })
  const { decision } = engine.decide(ANYONE, write('{}', { query: { [SECRET]: SECRET } }))
  assert.equal(decision.pointer, '/query')
  assert.ok(!JSON.stringify(decision).includes(SECRET))
})

test('a query schema says which parameters may be there', async () => {
  const query = { properties: { version: { type: 'string', pattern: '^[0-9]+$' } }, ...CLOSED }
  const engine = await engineFor(allow('kv/a', ['read'], { query }))
  assert.equal(said(engine, request('read', 'kv/a', { query: { version: '3' } })), 'allow rule rule-0')
  assert.equal(
    engine.decide(ANYONE, request('read', 'kv/a', { query: { version: 'x' } })).decision.pointer,
    '/query/version',
  )
  assert.equal(engine.decide(ANYONE, request('read', 'kv/a', { query: { other: '3' } })).decision.pointer, '/query')
})

test('wrap limits demand a wrapped answer with a lifetime between them', async () => {
  const engine = await engineFor(allow('kv/a', ['read'], { limits: { minWrapTtl: '1m', maxWrapTtl: '5m' } }))
  for (const [wrapTtlMs, keyword] of [
    [0, 'minWrapTtl'],
    [59_000, 'minWrapTtl'],
    [60_000, undefined],
    [300_000, undefined],
    [301_000, 'maxWrapTtl'],
  ] as const) {
    const { decision } = engine.decide(ANYONE, request('read', 'kv/a', { wrapTtlMs }))
    assert.equal(decision.keyword, keyword)
    assert.equal(decision.pointer, keyword && '/wrapTtl')
  }
})

test('a rule with a response schema refuses wrapping unless it says otherwise', async () => {
  const response = { required: ['ciphertext'] }
  const strict = await engineFor(allow('kv/a', ['read'], { response }))
  const loose = await engineFor(allow('kv/a', ['read'], { response, wrapped: true }))
  const wrapped = request('read', 'kv/a', { wrapTtlMs: 1000 })
  assert.equal(said(strict, wrapped), 'deny wrapping rule-0')
  assert.equal(said(strict, request('read', 'kv/a')), 'allow rule rule-0')
  assert.equal(said(loose, wrapped), 'allow rule rule-0')
})

test('an answer is checked by every rule of the chain, and refused without its words', async () => {
  const engine = await engineFor(
    allow('kv/a', ['read'], { response: { properties: { a: { type: 'number' } }, required: ['a'] } }),
  )
  const verdict = engine.decide(ANYONE, request('read', 'kv/a'))
  assert.equal(verdict.checksResponse, true)
  assert.equal(engine.checkResponse(verdict, { a: 1 }), undefined)
  const refused = engine.checkResponse(verdict, { a: SECRET })
  assert.deepEqual(refused, {
    effect: 'deny',
    reason: 'response-schema',
    policy: 'p',
    rule: 'rule-0',
    message: "the answer's data/a must be of type number (type)",
    pointer: '/a',
    keyword: 'type',
  })
  assert.equal(engine.checkResponse(verdict, undefined)?.keyword, 'required')
})

test('a verdict that no engine made is not checked in silence', async () => {
  const engine = await engineFor()
  const { decision } = engine.decide(ANYONE, request('read', 'kv/a'))
  assert.throws(
    () => engine.checkResponse({ decision, cache: undefined, createOnly: false, checksResponse: true }, {}),
    TypeError,
  )
})
