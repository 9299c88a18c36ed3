import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindsWherever } from '../../../lib/policy/analysis/scope.ts'
import { loosePattern } from '../../../lib/policy/analysis/subjects.ts'
import { findingsOf, rule } from './support.ts'

const BROAD: readonly (readonly [subject: object, pointer: string, message: RegExp])[] = [
  [
    { properties: { service: {} }, required: ['service'] },
    '/subject/properties/service',
    /^it binds every caller that has "service", whatever it is; give "const", "enum" or a "type"$/,
  ],
  [
    { properties: { service: { description: 'which' } }, required: ['service'] },
    '/subject/properties/service',
    /^it binds every caller that has "service"/,
  ],
  [
    { properties: { admin: { type: 'boolean' } }, required: ['admin'] },
    '/subject/properties/admin',
    /^it binds callers whose "admin" is false, too; ask for \{"const": true\}$/,
  ],
  [
    { properties: { env: { not: { const: 'prod' } } }, required: ['env'] },
    '/subject/properties/env',
    /^it binds callers whose "env" is anything else, of any type/,
  ],
  [
    { not: { properties: { env: { const: 'prod' } }, required: ['env'] } },
    '/subject/not',
    /^it binds every caller but those/,
  ],
  [{ minProperties: 1 }, '/subject/minProperties', /^it binds every caller that has any attributes/],
  [
    { anyOf: [{ required: ['a'] }, {}] },
    '/subject/anyOf/1',
    /^this branch asks for nothing, so the policy binds every caller/,
  ],
  [
    { properties: { service: { type: 'string', pattern: 'orders' } }, required: ['service'] },
    '/subject/properties/service/pattern',
    /^the pattern has no "\^" at its start, so it is found anywhere/,
  ],
  [
    { allOf: [{ properties: { service: { type: 'string', pattern: '^orders' } }, required: ['service'] }] },
    '/subject/allOf/0/properties/service/pattern',
    /^the pattern has no "\$" at its end, so more may follow/,
  ],
]

for (const [subject, pointer, message] of BROAD) {
  test(`a subject that binds more than it seems: ${JSON.stringify(subject)}`, async () => {
    const findings = await findingsOf([{ policy: 'p', subject, rules: [] }])
    assert.deepEqual(
      findings.map((finding) => [finding.code, finding.pointer, finding.policy, finding.rule]),
      [['subject-breadth', pointer, 'p', undefined]],
    )
    assert.match(findings[0]?.message ?? '', message)
  })
}

const PLAIN: readonly object[] = [
  { properties: { service: { const: 'orders' } }, required: ['service'] },
  { properties: { user: { type: 'string' } }, required: ['user'] },
  { properties: { admin: { const: true } }, required: ['admin'] },
  { properties: { env: { type: 'string', not: { const: 'prod' } } }, required: ['env'] },
  { properties: { service: { type: 'string', pattern: '^orders-[a-z]+$' } }, required: ['service'] },
  { properties: { service: { type: 'string', pattern: '^(?:orders|billing)-' } }, required: ['service'] },
  { required: ['user'] },
  { anyOf: [{ required: ['a'] }, { required: ['b'] }] },
  { required: ['service'], not: { required: ['user'] } },
]

for (const subject of PLAIN) {
  test(`a subject that binds whom it says: ${JSON.stringify(subject)}`, async () => {
    assert.deepEqual(await findingsOf([{ policy: 'p', subject, rules: [] }]), [])
  })
}

const PATTERNS: readonly (readonly [pattern: string, isLoose: boolean])[] = [
  ['^orders$', false],
  ['^orders-', false],
  ['^orders\\.', false],
  ['^orders.*', false],
  ['^(a|b)$', false],
  ['^a$|^b$', false],
  ['^[a|b]$', false],
  ['^a\\|b$', false],
  ['^a|b$', true],
  ['^a$|b', true],
  ['orders$', true],
  ['^orders\\$', true],
  ['^orders\\\\$', false],
  ['', true],
]

for (const [pattern, isLoose] of PATTERNS) {
  test(`the pattern ${JSON.stringify(pattern)} ${isLoose ? 'lets more pass than it seems' : 'says where it ends'}`, () => {
    assert.equal(loosePattern(pattern) !== undefined, isLoose)
  })
}

const ORDERS = { properties: { service: { const: 'orders' } }, required: ['service'] }
const BILLING = { properties: { service: { const: 'billing' } }, required: ['service'] }
const NARROW = { properties: { service: { const: 'orders' }, user: { type: 'string' } }, required: ['service', 'user'] }
const EITHER = { properties: { service: { enum: ['orders', 'billing'] } }, required: ['service'] }
const HELD = { properties: { token: { type: 'object' } }, required: ['token'] }

const SCOPES: readonly (readonly [outer: object | undefined, inner: object | undefined, binds: boolean])[] = [
  [undefined, ORDERS, true],
  [ORDERS, undefined, false],
  [ORDERS, { required: ['service'], properties: { service: { const: 'orders' } } }, true],
  [ORDERS, NARROW, true],
  [NARROW, ORDERS, false],
  [EITHER, ORDERS, true],
  [ORDERS, EITHER, false],
  [ORDERS, BILLING, false],
  [{ required: ['service'] }, ORDERS, true],
  [{ required: ['service'], minProperties: 2 }, ORDERS, false],
  [undefined, HELD, false],
  [HELD, HELD, true],
]

test('one policy is known to bind wherever another does by absent, equal and implied subjects alone', () => {
  const scope = (subject: object | undefined): Parameters<typeof bindsWherever>[0] => ({
    namespace: '',
    isShadow: false,
    subject: subject as never,
  })
  for (const [outer, inner, binds] of SCOPES) {
    assert.equal(bindsWherever(scope(outer), scope(inner)), binds, JSON.stringify([outer, inner]))
  }
})

const READ = rule('allow', 'kv/a', ['read'])
const DENY = rule('deny', 'kv/a', ['read'])

test('a deny for some callers contradicts no grant for all; one for all takes what is granted to some', async () => {
  const some = await findingsOf([
    { policy: 'all', rules: [READ] },
    { policy: 'some', subject: ORDERS, rules: [DENY] },
  ])
  assert.deepEqual(some, [])
  const all = await findingsOf([
    { policy: 'some', subject: ORDERS, rules: [READ] },
    { policy: 'all', rules: [DENY] },
  ])
  assert.deepEqual(
    all.map(({ code, file, rule: id }) => [code, file, id]),
    [['unreachable', 'p0.json', 'rule-0']],
  )
})

test('policies of other namespaces and of mode shadow take nothing from those in force', async () => {
  const elsewhere = await findingsOf([
    { policy: 'a', rules: [READ] },
    { policy: 'b', namespace: 'team-b', rules: [DENY] },
    { policy: 'c', mode: 'shadow', rules: [DENY] },
  ])
  assert.deepEqual(elsewhere, [])
  const named = await findingsOf(
    [
      { policy: 'a', rules: [READ] },
      { policy: 'b', namespace: 'team-b', rules: [DENY] },
    ],
    {
      namespace: 'team-b',
    },
  )
  assert.deepEqual(
    named.map(({ code }) => code),
    ['unreachable'],
  )
})

test('what one policy denies and another opens on a more specific path is told, once it is another policy', async () => {
  const wide = rule('deny', 'kv/prod/*', ['read'])
  const narrow = rule('allow', 'kv/prod/a', ['read'])
  assert.deepEqual(await findingsOf([{ policy: 'a', rules: [wide, narrow] }]), [])
  const [finding, ...others] = await findingsOf([
    { policy: 'a', rules: [wide] },
    { policy: 'b', subject: ORDERS, rules: [narrow] },
  ])
  assert.deepEqual([finding?.code, finding?.file, others], ['deny-reopened', 'p1.json', []])
  assert.match(finding?.message ?? '', /^it allows what rule "rule-0" of "a" \("kv\/prod\/\*"\) denies on a wider path/)
})
