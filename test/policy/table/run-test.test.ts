import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyDocument } from '../../../lib/policy/engine.ts'
import { countCoverage } from '../../../lib/policy/table/coverage.ts'
import { parsePolicyTest } from '../../../lib/policy/table/read-test.ts'
import { type RowResult, runRow } from '../../../lib/policy/table/run-test.ts'
import { createPolicyTrial } from '../../../lib/policy/trial.ts'
import { allow } from '../support.ts'

const REQUEST = { properties: { x: { const: 'planted-schema' } }, additionalProperties: false }
const POLICY = {
  policy: 'p',
  rules: [
    allow('kv/a', ['read'], { id: 'a', response: { properties: { id: { type: 'string' } } } }),
    allow('kv/b', ['write'], { id: 'b', request: REQUEST }),
    allow('kv/c', ['read']),
    { id: 'f', path: 'kv/f', operations: ['*'], effect: 'forbid' },
  ],
}
const HOLDER = {
  policy: 'holder',
  subject: { properties: { token: { type: 'object' } }, required: ['token'] },
  rules: [allow('kv/a', ['read'], { id: 'held' })],
}
const DOCUMENTS: readonly PolicyDocument[] = [
  { file: 'p.json', document: POLICY },
  { file: 'holder.json', document: HOLDER },
]

async function results(...tests: readonly object[]): Promise<readonly RowResult[]> {
  const { rows } = await parsePolicyTest('t.policy-test.json', JSON.stringify({ tests }))
  const trial = await createPolicyTrial(DOCUMENTS)
  return rows.map((row) => runRow(row, trial))
}

test('a row passes when all that it names is as the policies say', async () => {
  const rows = await results(
    { operation: 'read', path: 'kv/c', expect: 'allow' },
    { operation: 'read', path: 'kv/c', expect: { effect: 'allow', policy: 'p', rule: 'rule-2', reason: 'rule' } },
    { operation: 'read', path: 'kv/none', expect: { effect: 'deny', rule: null, pointer: null } },
    { operation: 'read', path: '/kv', expect: { effect: 'deny', reason: 'path' } },
  )
  assert.deepEqual(
    rows.map(({ passed, differences }) => [passed, differences]),
    rows.map(() => [true, []]),
  )
})

test('what differs is told fact by fact, without a value', async () => {
  const data = { x: 'planted-value' }
  const expect = { effect: 'allow', rule: 'c', pointer: null, keyword: 'const' }
  const [row] = await results({ name: 'n', operation: 'write', path: 'kv/b', data, expect })
  assert.equal(row?.passed, false)
  assert.deepEqual(row?.differences, [
    { fact: 'effect', expected: 'allow', got: 'deny' },
    { fact: 'rule', expected: 'c', got: 'b' },
    { fact: 'pointer', expected: null, got: '/data/x' },
  ])
  assert.doesNotMatch(JSON.stringify(row), /planted-value/)
})

test('answers are put to the response schema of the rule that allowed', async () => {
  const answers = [
    { data: { id: 'x' }, expect: 'allow' },
    { data: { id: 1 }, expect: { effect: 'deny', reason: 'response-schema', pointer: '/id', keyword: 'type' } },
    { data: { id: 1 }, expect: 'allow' },
    { expect: 'allow' },
  ]
  const [row] = await results({ operation: 'read', path: 'kv/a', expect: 'allow', answers })
  assert.equal(row?.passed, false)
  assert.deepEqual(
    row?.answers.map(({ differences }) => differences.length),
    [0, 0, 1, 0],
  )
})

test('a request that is refused has no answers to put', async () => {
  const [row] = await results({ operation: 'read', path: 'kv/f', expect: 'allow', answers: [{ expect: 'allow' }] })
  assert.deepEqual([row?.passed, row?.answers], [false, []])
})

test('the holder of a token is judged besides its caller', async () => {
  const token = { mount: 'auth/jwt/', metadata: { team: 'a' } }
  const [held, other] = await results(
    { token, operation: 'read', path: 'kv/a', expect: { effect: 'allow', policy: 'holder' } },
    { token, operation: 'read', path: 'kv/c', expect: { effect: 'deny', reason: 'no-rule' } },
  )
  assert.deepEqual([held?.passed, other?.passed], [true, true])
})

test('a rule counts as decided by what it allows, refuses or withholds, for every caller of a chain', async () => {
  const token = { mount: 'auth/jwt/' }
  const count = countCoverage()
  assert.deepEqual(count.result(), { rules: 0, decided: 0, percent: 100, undecided: [] })
  count.add(DOCUMENTS, await results({ operation: 'read', path: 'kv/none', expect: 'deny' }))
  assert.deepEqual([count.result().decided, count.result().rules, count.result().percent], [0, 5, 0])
  count.add(DOCUMENTS, await results({ token, operation: 'read', path: 'kv/a', expect: 'allow' }))
  assert.deepEqual([count.result().decided, count.result().percent], [2, 40])
  count.add(DOCUMENTS, await results({ operation: 'write', path: 'kv/b', data: { y: 1 }, expect: 'deny' }))
  count.add(DOCUMENTS, await results({ operation: 'read', path: 'kv/f', expect: 'deny' }))
  assert.deepEqual(count.result(), {
    rules: 5,
    decided: 4,
    percent: 80,
    undecided: [{ file: 'p.json', policy: 'p', rule: 'rule-2', pointer: '/rules/2' }],
  })
})

test('what shadow policies would decide can be expected, and counts for their rules', async () => {
  const strict = {
    policy: 'strict',
    mode: 'shadow',
    rules: [{ id: 'no', path: 'kv/*', operations: ['*'], effect: 'forbid' }],
  }
  const documents = [...DOCUMENTS, { file: 'strict.json', document: strict }]
  const shadow = { effect: 'deny', policy: 'strict', rule: 'no', reason: 'forbid' }
  const tests = [
    { operation: 'read', path: 'kv/c', expect: { effect: 'allow', rule: 'rule-2', shadow } },
    { operation: 'read', path: 'kv/c', expect: { effect: 'allow', shadow: 'allow' } },
  ]
  const { rows } = await parsePolicyTest('t.policy-test.json', JSON.stringify({ tests }))
  const trial = await createPolicyTrial(documents)
  const [first, second] = rows.map((row) => runRow(row, trial))
  assert.deepEqual([first?.passed, second?.passed], [true, false])
  assert.deepEqual(second?.differences, [{ fact: 'shadow effect', expected: 'allow', got: 'deny' }])
  const count = countCoverage()
  count.add(documents, first === undefined ? [] : [first])
  assert.deepEqual(
    count.result().undecided.map(({ policy, rule }) => `${policy} ${rule}`),
    ['p a', 'p b', 'p f', 'holder held'],
  )
  const [alone] = await results({ operation: 'read', path: 'kv/c', expect: { effect: 'allow', shadow: 'allow' } })
  assert.deepEqual(alone?.differences, [{ fact: 'shadow effect', expected: 'allow', got: null }])
})

test('policies of one name in two files are two: what one decided, the other did not', async () => {
  const count = countCoverage()
  const rows = await results({ operation: 'read', path: 'kv/c', expect: 'allow' })
  count.add(DOCUMENTS, rows)
  count.add([{ file: 'other/p.json', document: POLICY }], [])
  assert.deepEqual([count.result().rules, count.result().decided, count.result().percent], [9, 1, 11.1])
})
