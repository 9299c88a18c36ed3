import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CallerAttributes } from '../../../lib/model/caller.ts'
import type { Decision } from '../../../lib/model/decision.ts'
import type { Operation } from '../../../lib/model/operation.ts'
import { createPolicyEngine, type PolicyEngine } from '../../../lib/policy/engine.ts'
import { caller, request } from '../support.ts'

const clock = { wallTime: () => Date.parse('2026-03-02T12:00:00Z') }
const CONDITIONS = [
  {},
  {},
  { request: { properties: { a: { type: 'integer' } }, additionalProperties: false } },
  { when: [{ days: ['mon'] }] },
  { when: [{ days: ['tue'] }] },
  { limits: { maxWrapTtl: '1m' } },
]

const rule = fc
  .record({
    path: fc.constantFrom('a', 'a/b', 'a/+', 'a/*', '*', 'a/{{caller.user}}'),
    effect: fc.constantFrom('allow', 'allow', 'allow', 'deny', 'forbid'),
    operations: fc.subarray(['read', 'write', 'create', 'list'], { minLength: 1 }),
    condition: fc.constantFrom(...CONDITIONS),
  })
  .map(({ condition, effect, ...rest }) => {
    const { when } = condition as { readonly when?: object }
    const fits = effect === 'allow' ? condition : when === undefined ? {} : { when }
    return { effect, ...rest, ...fits }
  })

const SUBJECTS = [{}, { subject: { required: ['user'] } }, { subject: { required: ['root'] } }, { namespace: 'team-a' }]

const documents = fc
  .array(
    fc.record({
      more: fc.constantFrom(...SUBJECTS),
      mode: fc.constantFrom('enforce', 'shadow'),
      rules: fc.array(rule, { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) => all.map(({ more, ...rest }, at) => ({ policy: `p${at}`, ...more, ...rest })))

const asked = fc.record({
  operation: fc.constantFrom<Operation>('read', 'write', 'list'),
  path: fc.constantFrom('a', 'a/b', 'a/c', 'a/b/c', 'z'),
  namespace: fc.constantFrom('', 'team-a'),
  data: fc.constantFrom(undefined, { a: 1 }, { a: 'x' }),
  wrapTtlMs: fc.constantFrom(0, 30_000, 120_000),
})

const ROOT = caller({ root: true })
const CALLERS = [{}, { user: 'b' }, { user: 'c' }].map((attributes) => caller(attributes as CallerAttributes, ROOT))

function engine(of: readonly object[]): Promise<PolicyEngine> {
  return createPolicyEngine(
    of.map((document, at) => ({ file: `${at}`, document })),
    { namespace: '', clock },
  )
}

/** Without the names of policies that bind, which stand in the order of their subjects. */
function ordered({ message, ...decision }: Decision): Decision {
  return { ...decision, message: decision.reason === 'no-rule' ? '' : message }
}

function apart({ shadow, ...enforced }: Decision): readonly [enforced: Decision, shadow: Decision | undefined] {
  return [enforced, shadow]
}

test('the shadow is the decision of all policies enforced together, and what is enforced that of the others alone', async () => {
  let differing = 0
  await fc.assert(
    fc.asyncProperty(documents, fc.array(asked, { minLength: 20, maxLength: 40 }), async (all, requests) => {
      const mixed = await engine(all)
      const alone = await engine(all.filter(({ mode }) => mode === 'enforce'))
      const together = await engine(all.map((document) => ({ ...document, mode: 'enforce' })))
      for (const { operation, path, ...rest } of requests) {
        for (const who of CALLERS) {
          const it = request(operation, path, rest)
          const { decision, ...verdict } = mixed.decide(who, it)
          const expected = alone.decide(who, it)
          const [enforced, shadow] = apart(decision)
          assert.deepEqual(enforced, expected.decision)
          assert.equal(verdict.createOnly, expected.createOnly)
          if (shadow === undefined) continue
          assert.deepEqual(ordered(shadow), ordered(together.decide(who, it).decision))
          differing += Number(shadow.effect !== enforced.effect)
        }
      }
    }),
    { numRuns: 200 },
  )
  assert.ok(differing > 100, `${differing} decisions differ from their shadow`)
})
