import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Operation } from '../../../lib/model/operation.ts'
import { createCaller } from '../../../lib/options/caller.ts'
import { checkPolicies, createPolicyEngine, type PolicyEngine, parsePolicyText } from '../../../lib/policy/index.ts'
import { request } from '../support.ts'

const SEGMENT = fc.constantFrom('a', 'b', '+')
const PATH = fc
  .tuple(fc.array(SEGMENT, { minLength: 1, maxLength: 2 }), fc.constantFrom('', '', '*', '/*', '/', 'b*'))
  .map(([segments, end]) => segments.join('/') + end)
  .filter((path) => !/[+][b*]/.test(path))
const OPERATIONS = fc.uniqueArray(fc.constantFrom('read', 'list', 'write', 'create', 'update', 'delete', '*'), {
  minLength: 1,
  maxLength: 3,
})
const CONDITION = fc.constantFrom<object>(
  ...[{}, {}, {}],
  { request: { properties: { x: { const: 1 } }, additionalProperties: false } },
  { limits: { minWrapTtl: '1m' } },
  { limits: { leases: 1 } },
  { limits: { rate: '1/s' } },
  { when: [{ from: '08:00', to: '18:00' }] },
)
const RULE = fc
  .tuple(PATH, OPERATIONS, fc.constantFrom('allow', 'allow', 'deny', 'forbid'), CONDITION)
  .map(([path, operations, effect, condition]) => {
    const { when } = condition as { readonly when?: object }
    return { path, operations, effect, ...(effect === 'allow' ? condition : when === undefined ? {} : { when }) }
  })
const SUBJECT = fc.constantFrom(
  undefined,
  { properties: { s: { const: 1 } }, required: ['s'] },
  { required: ['s'] },
  { required: ['t'] },
)
const POLICY = fc.tuple(
  SUBJECT,
  fc.constantFrom('enforce', 'enforce', 'shadow'),
  fc.array(RULE, { minLength: 1, maxLength: 8 }),
)

const CALLERS = [{}, { s: 1 }, { s: 2 }, { t: 1 }, { s: 1, t: 1 }].map((attributes) => createCaller(attributes))
const PATHS = [
  'a',
  'a/',
  'b',
  'a/a',
  'a/b',
  'a/b/',
  'b/b',
  'b/a',
  'a/a/a',
  'a/b/a',
  'a/b/ab',
  'b/a/b',
  'a/a/b/c',
  'ab',
  'a/bb',
  'a/b/b/',
]
const ASKED: readonly Operation[] = ['read', 'list', 'scan', 'write', 'patch', 'delete']
const SHAPES = [{}, { data: { x: 1 } }, { data: { x: 2 } }, { wrapTtlMs: 60_000 }]
const NOON = { now: () => 1, wallTime: () => Date.UTC(2026, 0, 5, 12), after: () => ({ cancel: () => undefined }) }

interface Told {
  readonly code: string
  readonly policy: string | undefined
  readonly rule: string | undefined
}

/** Rules, as `policy rule`, by which some request of many is decided or allowed; with the operation. */
function deciders(engine: PolicyEngine): ReadonlySet<string> {
  const found = new Set<string>()
  for (const caller of CALLERS) {
    for (const path of PATHS) {
      for (const operation of ASKED) {
        for (const shape of SHAPES) {
          const { decision, rules } = engine.explain(caller, request(operation, path, shape))
          // A refusal for what a rule does not grant names it, and says nothing of what it does grant.
          if (decision.reason !== 'operation') found.add(`${decision.policy} ${decision.rule}`)
          const forbidden = new Set(rules.filter(({ result }) => result === 'forbids').map(({ link }) => link))
          for (const { policy, rule, result, link } of rules) {
            if (result === 'allows' && !forbidden.has(link)) found.add(`${policy} ${rule} allows`)
          }
        }
      }
    }
  }
  return found
}

test('what is told to be unreachable never decides, and what is told to grant nothing never allows', async () => {
  let told = 0
  await fc.assert(
    fc.asyncProperty(fc.array(POLICY, { minLength: 2, maxLength: 3 }), async (policies) => {
      const files = policies.map(([subject, mode, rules], at) => {
        const document = { policy: `p${at}`, mode, rules, ...(subject === undefined ? {} : { subject }) }
        return { file: `p${at}.json`, text: JSON.stringify(document) }
      })
      const { findings } = await checkPolicies(files)
      const dead = findings.filter(isDead)
      if (dead.length === 0) return
      told += dead.length
      const documents = files.map(({ file, text }) => parsePolicyText(file, text))
      const found = deciders(await createPolicyEngine(documents, { namespace: '', clock: NOON }))
      for (const { code, policy, rule, message } of dead) {
        const name = code === 'unreachable' ? `${policy} ${rule}` : `${policy} ${rule} allows`
        assert.equal(found.has(name), false, `${name}: ${message}`)
      }
    }),
    { numRuns: 80 },
  )
  assert.ok(told > 30, `only ${told} findings were put to the test`)
})

/** Of a forbidden rule, only what grants nothing at all can be seen by its rule alone. */
function isDead({ code, message }: Told & { readonly message: string }): boolean {
  return code === 'unreachable' || (code === 'forbidden' && message.startsWith('it grants nothing'))
}
