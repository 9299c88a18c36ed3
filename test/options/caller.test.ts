import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCaller } from '../../lib/options/caller.ts'

test('equal callers have equal ids, whatever the order of their attributes', () => {
  assert.equal(createCaller({ a: '1', b: 2 }).id, createCaller({ b: 2, a: '1' }).id)
})

test('a chain of callers has another id than one caller with the same attributes', () => {
  const ids = [
    createCaller({ a: '1', b: '2' }),
    createCaller({ b: '2' }, createCaller({ a: '1' })),
    createCaller({ a: '1' }, createCaller({ b: '2' })),
    createCaller({ a: '1>[["b","2"]]' }),
    createCaller({ a: 1 }),
    createCaller({ a: '1' }),
  ].map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
})

test('a child has the attributes of its parent and cannot overwrite one', () => {
  const parent = createCaller({ service: 'orders' })
  assert.deepEqual({ ...createCaller({ user: 'u' }, parent).attributes }, { service: 'orders', user: 'u' })
  assert.throws(() => createCaller({ service: 'orders' }, parent), TypeError)
})

test("nobody can be the gateway's own caller", () => {
  assert.throws(() => createCaller({ service: 'portcullis' }), TypeError)
  assert.throws(() => createCaller({ service: 'portcullis' }, createCaller({})), TypeError)
})

test('attributes are frozen, lists are copied', () => {
  const roles = ['a']
  const { attributes } = createCaller({ roles })
  roles.push('b')
  assert.deepEqual(attributes.roles, ['a'])
  assert.ok(Object.isFrozen(attributes) && Object.isFrozen(attributes.roles))
})

test('names of the prototype are names like any other', () => {
  const caller = createCaller(JSON.parse('{"__proto__":"x","constructor":"y","toString":"z"}'))
  assert.deepEqual(Object.keys(caller.attributes), ['__proto__', 'constructor', 'toString'])
  assert.doesNotThrow(() => createCaller({ hasOwnProperty: 'x' }, createCaller({ a: 1 })))
})

for (const value of [null, undefined, {}, [1], Number.NaN, Infinity, 5n, () => 1, Symbol('x')]) {
  test(`an attribute that is ${String(value)} is refused`, () => {
    assert.throws(() => createCaller({ a: value as never }), TypeError)
  })
}

test('attributes that are no object are refused', () => {
  for (const attributes of [null, [], 'a']) assert.throws(() => createCaller(attributes as never), TypeError)
})
