import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPolicyTrial } from '../../lib/policy/index.ts'
import { ANYONE, allow } from './support.ts'

const AT_NOON = Date.UTC(2026, 0, 5, 12)

function documents(...policies: readonly object[]): { file: string; document: object }[] {
  return policies.map((document, at) => ({ file: `p${at}.json`, document }))
}

const NAMED = documents({
  policy: 'p',
  rules: [
    allow('kv/day', ['read'], { when: [{ from: '09:00', to: '17:00' }] }),
    allow('kv/a', ['write'], { response: { properties: { id: { type: 'string' } }, required: ['id'] } }),
  ],
})

test('a trial decides at the time of each request', async () => {
  const trial = await createPolicyTrial(NAMED)
  const at = (atMs: number): string =>
    trial.explain(ANYONE, { operation: 'read', path: 'kv/day', atMs }).decision.reason
  assert.deepEqual([at(AT_NOON), at(AT_NOON + 12 * 3_600_000), at(AT_NOON)], ['rule', 'when', 'rule'])
})

test('a trial refuses what the gateway refuses before it asks a policy', async () => {
  const trial = await createPolicyTrial(NAMED)
  const reason = (request: object): string =>
    trial.explain(ANYONE, { operation: 'read', path: 'kv/a', atMs: AT_NOON, ...request }).decision.reason
  assert.equal(reason({ path: 'kv//a' }), 'path')
  assert.equal(reason({ query: { list: 'true' } }), 'body')
  assert.equal(reason({ namespace: 'team-a' }), 'namespace')
})

test('requests may name the namespaces that the policies name, or those told', async () => {
  const policies = documents({ policy: 'p', namespace: 'team-a', rules: [allow('kv/a', ['read'])] })
  const asked = { operation: 'read', path: 'kv/a', namespace: 'team-a', atMs: AT_NOON } as const
  assert.equal((await createPolicyTrial(policies)).explain(ANYONE, asked).decision.reason, 'rule')
  const told = await createPolicyTrial(policies, { namespaces: ['team-b'] })
  assert.equal(told.explain(ANYONE, asked).decision.reason, 'namespace')
})

test('an answer is checked by the rules that allowed the request', async () => {
  const trial = await createPolicyTrial(NAMED)
  const asked = { operation: 'write', path: 'kv/a', atMs: AT_NOON } as const
  assert.equal(trial.checkAnswer(ANYONE, asked, { id: 'x' }), undefined)
  assert.equal(trial.checkAnswer(ANYONE, asked, { id: 1 })?.pointer, '/id')
  assert.throws(() => trial.checkAnswer(ANYONE, { ...asked, path: 'none' }, {}), /has no answer/)
})

test('a trial takes no time that is none, and no option that it does not know', async () => {
  const trial = await createPolicyTrial(NAMED)
  const asked = { operation: 'read', path: 'kv/day', atMs: Number.NaN } as const
  assert.throws(() => trial.explain(ANYONE, asked), /the time of a request must be milliseconds, got NaN/)
  await assert.rejects(createPolicyTrial(NAMED, { at: 1 } as object), /trial options has no option "at"/)
})
