import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesBetween, type Inventory, inventoryOf } from '../../lib/policy/changes.ts'

const inventory = (...documents: readonly object[]): Inventory =>
  inventoryOf(documents.map((document, at) => ({ file: `p${at}`, document })))

const A = { path: 'a', operations: ['read'], effect: 'allow' }
const B = { id: 'b', path: 'b', operations: ['read'], effect: 'allow' }

test('what came, went and changed is named, by policy and by rule', () => {
  const before = inventory({ policy: 'old', rules: [] }, { policy: 'kept', rules: [A] }, { policy: 'p', rules: [A, B] })
  const after = inventory(
    {
      policy: 'p',
      rules: [
        { ...A, path: 'c' },
        { ...B, id: 'c' },
      ],
    },
    { policy: 'kept', rules: [{ effect: 'allow', operations: ['read'], path: 'a' }] },
    { policy: 'new', rules: [B] },
  )
  const { digest, ...changes } = changesBetween(before, after)
  assert.deepEqual(changes, {
    added: ['new'],
    removed: ['old'],
    changed: ['p'],
    rules: ['-p/b', '+p/c', '~p/rule-0'],
  })
  assert.match(digest, /^[0-9a-f]{64}$/)
})

test('another subject or mode is a change, though no rule is', () => {
  const before = inventory({ policy: 'p', rules: [A] })
  const after = inventory({ policy: 'p', subject: { required: ['x'] }, rules: [A] })
  const { changed, rules } = changesBetween(before, after)
  assert.deepEqual([changed, rules], [['p'], []])
})

test('the digest is the same for the same policies in another order, and another for others', () => {
  const one = inventory({ policy: 'p', rules: [A, B] }, { policy: 'q', rules: [] })
  const other = inventory({ rules: [], policy: 'q' }, { policy: 'p', rules: [A, B] })
  assert.equal(changesBetween(one, other).digest, changesBetween(other, one).digest)
  assert.notEqual(changesBetween(one, inventory({ policy: 'p', rules: [B] })).digest, changesBetween(one, one).digest)
})
