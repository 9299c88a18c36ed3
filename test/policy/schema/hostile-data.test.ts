import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyEngine } from '../../../lib/policy/engine.ts'
import { ANYONE, allow, data, engineFor, request } from '../support.ts'

const CLOSED = { additionalProperties: false }
const TREE = { type: 'object', properties: { a: { $ref: '#/$defs/tree' } }, ...CLOSED }

function asking(schema: object): Promise<PolicyEngine> {
  return engineFor(allow('kv/a', ['write'], { request: schema }))
}

function verdict(engine: PolicyEngine, sent: object): string {
  const { decision } = engine.decide(ANYONE, request('write', 'kv/a', { data: sent as never }))
  return decision.effect === 'allow' ? 'allow' : decision.message
}

/** Names that every object has of its prototype. */
const INHERITED = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__', '__defineGetter__']
const LEFT = '/data must have no properties but those that the schema names (unevaluatedProperties)'

/** Schemas that let through what some of their branches have seen. */
const UNEVALUATED: readonly object[] = [
  { properties: { a: {} } },
  { anyOf: [{ properties: { a: {} }, required: ['a'] }, { properties: { b: {} } }] },
  { oneOf: [{ properties: { a: {} } }, { required: ['b'] }] },
  // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
  { if: { properties: { a: {} }, required: ['a'] }, then: { properties: { b: {} } } },
  { dependentSchemas: { a: { properties: { b: {} } } }, properties: { a: {} } },
  { patternProperties: { '^a$': {} } },
  {
    $defs: { d: { type: 'object', anyOf: [{ properties: { a: {} }, required: ['a'] }, true] } },
    $ref: '#/$defs/d',
    properties: { a: {} },
  },
]

test('names that every object has are not evaluated for that', async () => {
  for (const schema of UNEVALUATED) {
    const engine = await asking({ ...schema, unevaluatedProperties: false })
    assert.equal(verdict(engine, { a: 1 }), 'allow', JSON.stringify(schema))
    for (const name of INHERITED) {
      for (const sent of [data(`{"${name}":1}`), data(`{"a":1,"${name}":1}`)]) {
        assert.equal(verdict(engine, sent), LEFT, `${name} in ${JSON.stringify(schema)}`)
      }
    }
  }
})

test('names that every object has are judged like others where the schema names them', async () => {
  for (const name of INHERITED.slice(0, -2)) {
    const engine = await asking({ anyOf: [{ properties: { [name]: {} } }, true], unevaluatedProperties: false })
    assert.equal(verdict(engine, data(`{"${name}":1}`)), 'allow')
  }
  const texts = await asking({ anyOf: [{ properties: { a: {} } }], unevaluatedProperties: { type: 'string' } })
  assert.equal(verdict(texts, { a: 1, toString: 'x' }), 'allow')
  assert.equal(verdict(texts, { a: 1, toString: 1 }), '/data must be of type string (type)')
})

test('a list that has one text twice is seen, whatever the text', async () => {
  const engine = await asking({
    properties: { a: { type: 'array', items: { type: 'string' }, uniqueItems: true, maxItems: 9 } },
    ...CLOSED,
  })
  for (const text of [...INHERITED, 'x', '']) {
    assert.equal(verdict(engine, { a: [text, 'other'] }), 'allow')
    assert.equal(
      verdict(engine, { a: [text, 'other', text] }),
      '/data/a must not have the same item twice (uniqueItems)',
    )
  }
})

test('data that is nested a million levels deep is refused, and no stack is the worse for it', async () => {
  const nested = (): object => {
    let deep: object = {}
    for (let at = 0; at < 1_000_000; at += 1) deep = at % 2 === 0 ? { a: deep } : [deep]
    return deep
  }
  const value = { $ref: '#/$defs/value' }
  const branches = [
    { type: 'array', items: value },
    { type: 'object', additionalProperties: value },
  ]
  const schemas = [
    { $defs: { tree: TREE }, properties: { a: { $ref: '#/$defs/tree' } }, ...CLOSED },
    { $defs: { value: { anyOf: branches } }, additionalProperties: value },
    { properties: { a: { const: [[{ a: [{ a: [{}] }] }]] } }, ...CLOSED },
    { properties: { a: { type: 'array', maxItems: 2, uniqueItems: true } }, ...CLOSED },
  ]
  for (const schema of schemas) {
    const engine = await asking(schema)
    assert.match(verdict(engine, { a: [nested(), nested()] }), /^\/data/, JSON.stringify(schema))
  }
})

test('a million properties are judged one by one', async () => {
  const wide: Record<string, string | number> = Object.fromEntries(
    Array.from({ length: 1_000_000 }, (_, at) => [`k${at}`, 'x']),
  )
  const closed = await asking({ properties: { a: {} }, ...CLOSED })
  assert.equal(verdict(closed, wide), '/data must have no properties but "a" (additionalProperties)')
  const open = await asking({ additionalProperties: { type: 'string' } })
  assert.equal(verdict(open, wide), 'allow')
  const bounded = await asking({ maxProperties: 10, additionalProperties: true })
  assert.equal(verdict(bounded, wide), '/data must have at most 10 properties (maxProperties)')
  const few = await asking({ anyOf: [{ properties: { k0: {} } }, true], unevaluatedProperties: false })
  assert.equal(verdict(few, wide), LEFT)
  wide.k999999 = 1
  assert.equal(verdict(open, wide), '/data must be of type string (type)')
})

test('more text than the patterns can be compared with in time is refused, also by what must not match', async () => {
  const slow = '^[a-z]{1,1000}$'
  const long = { a: 'a'.repeat(100_000) }
  const refused = '/data has more text than can be compared with the patterns in time (pattern)'
  const matching = await asking({ properties: { a: { type: 'string', pattern: slow } }, ...CLOSED })
  assert.equal(verdict(matching, { a: 'a'.repeat(1000) }), 'allow')
  assert.equal(verdict(matching, { a: 'a'.repeat(1001) }), `/data/a must match the pattern ${slow} (pattern)`)
  assert.equal(verdict(matching, long), refused)
  const other = await asking({ properties: { a: { type: 'string', not: { pattern: slow } } }, ...CLOSED })
  assert.equal(verdict(other, long), refused)
  const names = await asking({ patternProperties: { [slow]: {} }, ...CLOSED })
  assert.equal(verdict(names, { [long.a]: 1 }), refused)
  // Each request begins anew, and what is plain is fast.
  assert.equal(verdict(matching, { a: 'aaa' }), 'allow')
  const plain = await asking({ properties: { a: { type: 'string', pattern: '^[a-z]*$' } }, ...CLOSED })
  assert.equal(verdict(plain, { a: 'a'.repeat(4_000_000) }), 'allow')
})
