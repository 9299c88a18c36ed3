import assert from 'node:assert/strict'
import { test } from 'node:test'
import { booleanOption, checkNames, numberOption, stringOption } from '../../lib/options/check.ts'

test('a number is taken within its bounds, else refused by name', () => {
  const bounds = { min: 1, max: 10, integer: true }
  assert.equal(numberOption('n', undefined, 5, bounds), 5)
  assert.equal(numberOption('n', 10, 5, bounds), 10)
  for (const value of [0, 11, 1.5, -Infinity]) assert.throws(() => numberOption('n', value, 5, bounds), RangeError)
  for (const value of ['5', null, Number.NaN, 5n, {}]) {
    assert.throws(() => numberOption('n', value, 5, bounds), { name: 'TypeError', message: /^n must be a number/ })
  }
  assert.equal(numberOption('n', Infinity, 5, { min: 1, integer: true }), Infinity)
})

test('a string that is refused is not shown', () => {
  assert.equal(stringOption('s', undefined, 'x'), 'x')
  for (const value of ['', null, ['hunter2'], { hunter2: 1 }, Buffer.from('hunter2')]) {
    assert.throws(
      () => stringOption('s', value, 'x'),
      (error: Error) =>
        error instanceof TypeError && error.message.startsWith('s ') && !error.message.includes('hunter2'),
    )
  }
})

test('a boolean is true or false, nothing like it', () => {
  assert.equal(booleanOption('b', false, true), false)
  for (const value of [0, 1, 'false', null]) assert.throws(() => booleanOption('b', value, true), TypeError)
})

test('unknown names and what is no object are refused', () => {
  assert.doesNotThrow(() => checkNames('x()', { a: 1 }, ['a']))
  for (const value of [null, undefined, [], 'a', 5]) assert.throws(() => checkNames('x()', value, ['a']), TypeError)
  assert.throws(() => checkNames('x()', { aa: 1 }, ['a']), { message: 'x() has no option "aa"; known: a' })
  assert.throws(() => checkNames('x()', JSON.parse('{"__proto__":1}'), ['a']), TypeError)
})
