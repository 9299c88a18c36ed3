import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CallerValue } from '../../lib/model/caller.ts'
import type { JsonValue } from '../../lib/model/json.ts'
import type { RuleSet } from '../../lib/policy/rule-set.ts'
import { SubjectIndex, subjectKey } from '../../lib/policy/subject-index.ts'
import { allow, caller, engineOf, request, said } from './support.ts'

const KEYS: readonly (readonly [subject: JsonValue | undefined, attribute: string | undefined, values?: JsonValue])[] =
  [
    [undefined, undefined],
    [{ properties: { team: { const: 'a' } }, required: ['team'] }, 'team', ['a']],
    [{ properties: { team: { enum: ['a', 1, true] } }, required: ['team'] }, 'team', ['a', 1, true]],
    [{ properties: { a: { enum: ['x', 'y'] }, b: { const: 'z' } }, required: ['a', 'b'] }, 'b', ['z']],
    [{ properties: { a: { enum: [] } }, required: ['a'] }, 'a', []],
    // Not demanded, not a plain value, not at the top: such subjects have to be asked.
    [{ properties: { team: { const: 'a' } } }, undefined],
    [{ properties: { team: { const: null } }, required: ['team'] }, undefined],
    [{ properties: { team: { enum: ['a', ['b']] } }, required: ['team'] }, undefined],
    [{ properties: { team: { type: 'string', pattern: '^a' } }, required: ['team'] }, undefined],
    [{ anyOf: [{ properties: { team: { const: 'a' } }, required: ['team'] }] }, undefined],
  ]

test('a subject is looked up by what it demands of one attribute', () => {
  for (const [subject, attribute, values] of KEYS) {
    const key = subjectKey(subject)
    assert.deepEqual([key?.attribute, key?.values], [attribute, values], JSON.stringify(subject))
  }
})

const value = fc.constantFrom<CallerValue>('a', 'b', '1', 1, 0, true, 'true')
const attributes = fc.dictionary(fc.constantFrom('team', 'user', 'constructor', 'toString'), value, { maxKeys: 3 })
const demand = fc.oneof(
  value.map((constant) => ({ const: constant })),
  fc.array(value, { minLength: 1, maxLength: 3 }).map((values) => ({ enum: values })),
  fc.constant({}),
)
const subject = fc
  .dictionary(fc.constantFrom('team', 'user', 'constructor', 'toString'), demand, { minKeys: 1, maxKeys: 2 })
  .map((properties) => ({ properties, required: Object.keys(properties) }))

test('who is bound is the same as when each subject is asked', async () => {
  const worlds = fc.record({
    subjects: fc.array(subject, { maxLength: 8 }),
    callers: fc.array(attributes, { maxLength: 6 }),
  })
  await fc.assert(
    fc.asyncProperty(worlds, async ({ subjects, callers }) => {
      const whole = await engineOf(...subjects.map((one, at) => ({ policy: `p${at}`, subject: one, rules: [] })))
      const each = await Promise.all(subjects.map((one) => engineOf({ policy: 'p', subject: one, rules: [] })))
      for (const one of callers) {
        const { policies } = whole.explain(caller(one), request('read', 'a'))
        const bound = each.map((engine) => engine.explain(caller(one), request('read', 'a')).policies.length === 1)
        assert.deepEqual([...policies].sort(), bound.flatMap((is, at) => (is ? [`p${at}`] : [])).sort())
      }
    }),
    { numRuns: 100 },
  )
})

test('of a thousand subjects that name a service, a caller is asked about its own', () => {
  const sets = Array.from({ length: 1000 }, (_, at) => ({
    subjectKey:
      at % 100 === 0 ? undefined : subjectKey({ properties: { service: { const: `s-${at}` } }, required: ['service'] }),
  }))
  const index = new SubjectIndex(sets as unknown as readonly RuleSet[])
  assert.deepEqual(index.candidates({ service: 's-250' }), [0, 100, 200, 250, 300, 400, 500, 600, 700, 800, 900])
  assert.equal(index.candidates({ user: 's-250' }).length, 10)
})

test('a child is bound for itself, and so is its parent', async () => {
  const of = (service: string): object => ({ properties: { service: { const: service } }, required: ['service'] })
  const engine = await engineOf(
    { policy: 'p', subject: of('a'), rules: [allow('kv/*', ['read'])] },
    {
      policy: 'q',
      subject: { properties: { user: { const: 'u' } }, required: ['user'] },
      rules: [allow('kv/a', ['read'])],
    },
  )
  const parent = caller({ service: 'a' })
  assert.equal(said(engine, request('read', 'kv/b'), parent), 'allow rule rule-0')
  assert.equal(said(engine, request('read', 'kv/a'), caller({ user: 'u' }, parent)), 'allow rule rule-0')
  assert.equal(said(engine, request('read', 'kv/a'), caller({ user: 'v' }, caller({ service: 'b' }))), 'deny no-policy')
})
