import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicyTest, TABLE_TIME } from '../../../lib/policy/table/read-test.ts'

const ROW = { operation: 'read', path: 'a', expect: 'allow' }

function parse(table: object): ReturnType<typeof parsePolicyTest> {
  return parsePolicyTest('t.policy-test.json', JSON.stringify(table))
}

const FAULTS: readonly (readonly [table: object, message: string])[] = [
  [{}, 't.policy-test.json: the key "tests" is missing'],
  [{ tests: [] }, 't.policy-test.json at /tests: must NOT have fewer than 1 items'],
  [{ tests: [ROW], test: [] }, 't.policy-test.json at /test: unknown key "test" (did you mean "tests"?)'],
  [{ tests: [{ ...ROW, path: undefined }] }, 't.policy-test.json at /tests/0: the key "path" is missing'],
  [
    { tests: [{ ...ROW, operation: 'get' }] },
    't.policy-test.json at /tests/0/operation: must be one of read, list, scan, write, patch, delete',
  ],
  [{ tests: [{ ...ROW, expect: 'allowed' }] }, 't.policy-test.json at /tests/0/expect: must be one of allow, deny'],
  [{ tests: [{ ...ROW, expect: {} }] }, 't.policy-test.json at /tests/0/expect: the key "effect" is missing'],
  [
    { tests: [{ ...ROW, expect: { effect: 'deny', polcy: 'x' } }] },
    't.policy-test.json at /tests/0/expect/polcy: unknown key "polcy" (did you mean "policy"?)',
  ],
  [
    { tests: [{ ...ROW, expect: 'deny', answers: [{ expect: 'deny' }] }] },
    't.policy-test.json at /tests/0/answers: has a meaning only beside "expect": "allow": what is refused has no answer',
  ],
  [
    { callers: { orders: {} }, tests: [{ ...ROW, caller: 'order' }] },
    't.policy-test.json at /tests/0/caller: "callers" has no "order" (did you mean "orders"?)',
  ],
  [{ tests: [ROW], caller: 'x' }, 't.policy-test.json at /caller: "callers" has no "x"'],
  [
    { callers: { orders: { token: 'x' } }, tests: [ROW] },
    "t.policy-test.json at /callers/orders: caller.token is set by the gateway alone: it tells who holds the caller's token",
  ],
  [
    { tests: [{ ...ROW, caller: [{ a: 1 }, { a: 2 }] }] },
    't.policy-test.json at /tests/0/caller/1: caller.a is set by the parent caller and cannot be overwritten',
  ],
  [{ tests: [{ ...ROW, at: '2026-13-01T00:00:00Z' }] }, 't.policy-test.json at /tests/0/at: is no time that there is'],
  [
    { tests: [{ ...ROW, at: 'noon' }] },
    't.policy-test.json at /tests/0/at: must be a time with its zone, such as 2026-01-05T09:30:00Z',
  ],
  [
    { tests: [{ ...ROW, wrapTtl: '60' }] },
    't.policy-test.json at /tests/0/wrapTtl: must be a whole number and s, m or h, such as 60s',
  ],
  [
    { tests: [ROW], namespace: '/a' },
    't.policy-test.json at /namespace: a namespace has no slash at either end and no empty, . or .. segment: team-a/sub, or "" for the root',
  ],
]

for (const [table, message] of FAULTS) {
  test(`a table that cannot be read is refused: ${message}`, async () => {
    await assert.rejects(parse(table), { code: 'ERR_PORTCULLIS_POLICY_INVALID', message })
  })
}

test('what is no JSON is refused with its line', async () => {
  await assert.rejects(parsePolicyTest('t.policy-test.json', '{\n "tests": [,]}'), {
    message: 't.policy-test.json: line 2: expected a value, found ","',
  })
})

test('a row takes from its table what it does not say', async () => {
  const table = await parse({
    at: '2026-02-01T00:00:00Z',
    namespace: 'team-a',
    callers: { a: { service: 'a' } },
    caller: 'a',
    tests: [ROW, { ...ROW, name: 'own', at: '2026-03-01T00:00:00+01:00', caller: { service: 'b' }, wrapTtl: '5m' }],
  })
  const [first, second] = table.rows
  assert.deepEqual([table.policies, table.namespace, table.namespaces], [['.'], 'team-a', undefined])
  assert.deepEqual([first?.name, first?.pointer, first?.request.atMs], ['read a', '/tests/0', Date.UTC(2026, 1, 1)])
  assert.deepEqual({ ...first?.caller.attributes }, { service: 'a' })
  assert.deepEqual([second?.name, second?.request.atMs], ['own', Date.UTC(2026, 1, 28, 23)])
  assert.equal(second?.request.wrapTtlMs, 300_000)
  assert.deepEqual({ ...second?.caller.attributes }, { service: 'b' })
})

test('a table that says no time is about a Monday at noon, on every day it is run', async () => {
  const { rows } = await parse({ tests: [ROW] })
  assert.equal(rows[0]?.request.atMs, Date.parse(TABLE_TIME))
  assert.equal(new Date(TABLE_TIME).getUTCDay(), 1)
})
