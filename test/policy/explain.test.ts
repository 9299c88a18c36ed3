import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANYONE, allow, caller, engineOf, request } from './support.ts'

const RULES = [
  allow('kv/*', ['read', 'delete'], { id: 'all' }),
  allow('kv/a', ['read'], { id: 'read' }),
  allow('kv/a', ['write'], { id: 'small', request: { properties: { x: { const: 1 } }, additionalProperties: false } }),
  allow('kv/a', ['create'], { id: 'new' }),
  allow('kv/b', ['read'], { id: 'other' }),
  { id: 'guard', path: 'kv/+', operations: ['delete'], effect: 'forbid' },
]

test('an explanation tells of each rule that matches why it won or lost', async () => {
  const engine = await engineOf({ policy: 'p', rules: RULES })
  const asked = request('write', 'kv/a', { data: { x: 'planted' } })
  const { decision, policies, rules } = engine.explain(ANYONE, asked)
  assert.equal(decision.rule, 'new')
  assert.deepEqual(policies, ['p'])
  assert.deepEqual(
    rules.map(({ rule, outcome }) => `${rule}: ${outcome}`),
    [
      'guard: does not name write',
      'read: does not grant write',
      'small: refuses: /data/x must be 1 (const)',
      'new: allows',
      'all: not used: "kv/a" is more specific',
    ],
  )
})

test('an explanation gives the decision that decide gives', async () => {
  const engine = await engineOf({ policy: 'p', rules: RULES })
  for (const operation of ['read', 'list', 'write', 'delete', 'patch'] as const) {
    for (const path of ['kv/a', 'kv/b', 'kv/c/d', 'none']) {
      const asked = request(operation, path)
      assert.deepEqual(engine.explain(ANYONE, asked).decision, engine.decide(ANYONE, asked).decision)
    }
  }
})

test('an explanation of a denial for want of policies names none', async () => {
  const engine = await engineOf({ policy: 'p', namespace: 'team-a', rules: RULES })
  const { decision, policies, rules } = engine.explain(ANYONE, request('read', 'kv/a'))
  assert.equal(decision.reason, 'no-policy')
  assert.deepEqual([policies, rules], [[], []])
})

test('policies of the whole chain are named, root first', async () => {
  const engine = await engineOf(
    { policy: 'own', subject: { required: ['own'] }, rules: [] },
    { policy: 'root', subject: { not: { required: ['own'] } }, rules: [] },
  )
  assert.deepEqual(engine.explain(caller({ own: true }, ANYONE), request('read', 'a')).policies, ['root', 'own'])
})
