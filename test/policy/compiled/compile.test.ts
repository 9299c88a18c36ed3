import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CompiledPolicies } from '../../../lib/model/compiled-policies.ts'
import type { JsonObject } from '../../../lib/model/json.ts'
import { compilePolicies } from '../../../lib/policy/compiled/compile.ts'
import { loadCompiled } from '../../../lib/policy/compiled/compiler.ts'
import { createPolicyEngine, type PolicyEngine } from '../../../lib/policy/engine.ts'
import { ANYONE, allow, caller, engineOf, request } from '../support.ts'

async function moduleOf(...documents: readonly object[]): Promise<CompiledPolicies> {
  const text = await compilePolicies(documents.map((document, at) => ({ file: `p${at}.json`, document })))
  const made = await import(`data:text/javascript,${encodeURIComponent(text)}`)
  return made.default
}

async function compiled(...documents: readonly object[]): Promise<PolicyEngine> {
  const policies = await moduleOf(...documents)
  return createPolicyEngine(policies.documents, { namespace: '', compiler: await loadCompiled(policies) })
}

const NAMES = ['a', 'bb', 'ccc', 'n']
const leaf: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({ type: fc.constant('string'), minLength: fc.nat(3), maxLength: fc.integer({ min: 2, max: 6 }) }),
  fc.constantFrom({ type: 'string', pattern: '^(a+)+$' }, { type: 'string', pattern: '[0-9\u2028]' }),
  fc.constantFrom({ enum: ['x', 1, { a: ['é', null] }] }, { const: { a: 1, b: [true] } }, { const: '</script>\u2029' }),
  fc.record({ type: fc.constant('integer'), minimum: fc.integer({ min: -3, max: 3 }), multipleOf: fc.constant(2) }),
  fc.constantFrom(
    { type: 'array', uniqueItems: true, maxItems: 4 },
    { type: 'array', contains: { const: 1 }, items: {} },
  ),
  fc.constantFrom({ $ref: '#/$defs/tree' }, { not: { const: 'a' } }, { type: ['string', 'null'] }),
)
const DEFS = {
  tree: {
    type: 'object',
    properties: { n: { $ref: '#/$defs/tree' }, v: { type: 'number' } },
    additionalProperties: false,
  },
}
const schema: fc.Arbitrary<JsonObject> = fc
  .record({
    properties: fc.dictionary(
      fc.constantFrom(...NAMES),
      fc.oneof(leaf, fc.record({ anyOf: fc.array(leaf, { minLength: 1, maxLength: 3 }) })),
    ),
    required: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
    additionalProperties: fc.oneof(fc.boolean(), leaf),
  })
  .map(({ required, properties, ...rest }) => ({
    ...rest,
    properties: { ...Object.fromEntries(required.map((name) => [name, {}])), ...properties },
    required,
    $defs: DEFS,
  })) as fc.Arbitrary<JsonObject>
const value = fc.oneof(
  fc.constantFrom('', 'a', 'aaa', 'x', 'ab7', '😀😀', 1, 2, -2, 1.5, true, null, '</script>\u2029'),
  fc.constantFrom(
    { a: 1, b: [true] },
    { a: ['é', null] },
    [1, 1],
    [1, 2],
    [],
    {},
    { n: { n: { v: 1 } } },
    { n: { x: 1 } },
  ),
)
const data = fc.dictionary(fc.constantFrom(...NAMES, '__proto__', 'constructor'), value) as fc.Arbitrary<JsonObject>

test('decisions of compiled policies are those of the policies, to the last word', async () => {
  let refused = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(schema, { minLength: 1, maxLength: 3 }),
      fc.array(data, { minLength: 8, maxLength: 8 }),
      async (schemas, sent) => {
        const rules = schemas.map((each) => allow('kv/x', ['write'], { request: each, response: { required: ['a'] } }))
        const documents = [{ policy: 'p', rules }]
        const [one, other] = await Promise.all([engineOf(...documents), compiled(...documents)])
        for (const each of sent) {
          const asked = request('write', 'kv/x', { data: each })
          const [here, there] = [one.decide(ANYONE, asked), other.decide(ANYONE, asked)]
          assert.deepEqual(there.decision, here.decision)
          assert.deepEqual(other.explain(ANYONE, asked), one.explain(ANYONE, asked))
          assert.deepEqual(other.checkResponse(there, each), one.checkResponse(here, each))
          if (here.decision.effect === 'deny') refused += 1
        }
      },
    ),
    { numRuns: 150 },
  )
  assert.ok(refused > 100, String(refused))
})

test('subjects, queries, caches and limits come along', async () => {
  const subject = { properties: { service: { const: 'orders' } }, required: ['service'] }
  const query = { properties: { version: { type: 'string', pattern: '^[0-9]+$' } }, additionalProperties: false }
  const rules = [allow('kv/x', ['read'], { query, cache: { ttl: '30s' } })]
  const engine = await compiled({ policy: 'p', subject, rules })
  const asked = (version: string): ReturnType<typeof request> => request('read', 'kv/x', { query: { version } })
  assert.equal(engine.decide(caller({ service: 'orders' }), asked('7')).cache?.ttlMs, 30_000)
  assert.equal(engine.decide(caller({ service: 'orders' }), asked('x')).decision.keyword, 'pattern')
  assert.equal(engine.decide(caller({ service: 'other' }), asked('7')).decision.reason, 'no-policy')
})

test('the module is the same for the same policies, and imports nothing', async () => {
  const documents = [
    {
      file: 'p',
      document: { policy: 'p', rules: [allow('a', ['write'], { request: { additionalProperties: false } })] },
    },
  ]
  const [one, other] = await Promise.all([compilePolicies(documents), compilePolicies(documents)])
  assert.equal(one, other)
  assert.doesNotMatch(one, /\brequire\(|^import |\bnew Function\b|\beval\(/m)
})

test('what cannot be loaded cannot be compiled', async () => {
  await assert.rejects(compilePolicies([{ file: 'p.json', document: { policy: 'p' } }]), {
    code: 'ERR_PORTCULLIS_POLICY_INVALID',
    message: 'p.json: the key "rules" is missing',
  })
})

test('a module of another version, or without a check, is refused', async () => {
  const policies = await moduleOf({
    policy: 'p',
    rules: [allow('a', ['write'], { request: { additionalProperties: false } })],
  })
  const again = 'run "portcullis policy compile" again'
  await assert.rejects(loadCompiled({ ...policies, format: 'portcullis-policies/0' as never }), {
    message: `compiled policies: they are portcullis-policies/0, and this version reads portcullis-policies/1; ${again}`,
  })
  const compiler = await loadCompiled({ ...policies, checks: {} })
  await assert.rejects(createPolicyEngine(policies.documents, { namespace: '', compiler }), {
    message: `compiled policies: the schema /rules/0/request of p0.json is not among them; ${again}`,
  })
})
