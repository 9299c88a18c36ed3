import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../../../lib/model/json.ts'
import { type ImportedAcl, type ImportOptions, importAcl } from '../../../lib/policy/acl/import-acl.ts'
import { ANYONE, engineOf, request } from '../support.ts'

const imported = (path: Readonly<Record<string, JsonValue>>, options: Partial<ImportOptions> = {}): ImportedAcl =>
  importAcl({ path }, { file: 'orders.hcl', ...options })

const rulesOf = ({ policy }: ImportedAcl): JsonValue => policy.rules ?? null

test('capabilities become operations, deny becomes a deny of everything', () => {
  assert.deepEqual(
    rulesOf(imported({ 'kv/*': { capabilities: ['read', 'list', 'sudo'] }, kv: { capabilities: ['read', 'deny'] } })),
    [
      { id: 'kv-any', path: 'kv/*', operations: ['read', 'list', 'sudo'], effect: 'allow' },
      { id: 'kv', path: 'kv', operations: ['*'], effect: 'deny' },
    ],
  )
})

test('old words for capabilities, a leading slash and a path without any are read as the server reads them', () => {
  assert.deepEqual(rulesOf(imported({ '/a': { policy: 'write' }, b: { policy: 'deny' }, c: { capabilities: [] } })), [
    { id: 'a', path: 'a', operations: ['create', 'read', 'update', 'delete', 'list'], effect: 'allow' },
    { id: 'b', path: 'b', operations: ['*'], effect: 'deny' },
  ])
})

test('parameters become a schema of the data of writes and of the query of reads', () => {
  const rule = {
    capabilities: ['read', 'update', 'delete'],
    allowed_parameters: { ttl: ['1h', '2*', '*m', 3], any: [] },
    denied_parameters: { Any: ['x'] },
    required_parameters: ['ttl'],
  }
  const schema = {
    properties: {
      ttl: { anyOf: [{ enum: ['1h'] }, { type: 'string', pattern: '^2' }, { type: 'string', pattern: 'm$' }] },
      any: {},
    },
    patternProperties: { '^[aA][nN][yY]$': { not: { enum: ['x'] } } },
    required: ['ttl'],
    additionalProperties: false,
  }
  assert.deepEqual(rulesOf(imported({ a: rule })), [
    { id: 'a', path: 'a', operations: ['delete'], effect: 'allow' },
    { id: 'a-2', path: 'a', operations: ['read'], effect: 'allow', query: schema },
    { id: 'a-3', path: 'a', operations: ['update'], effect: 'allow', request: schema },
  ])
})

test('bounds of wrapping become limits, in seconds or as durations', () => {
  const rule = { capabilities: ['update'], min_wrapping_ttl: 90, max_wrapping_ttl: '1h30m' }
  assert.deepEqual(rulesOf(imported({ a: rule })), [
    { id: 'a', path: 'a', operations: ['update'], effect: 'allow', limits: { minWrapTtl: '90s', maxWrapTtl: '5400s' } },
  ])
})

const UNCARRIED: readonly (readonly [string, JsonValue, string, string])[] = [
  [
    'a/+b',
    { capabilities: ['read'] },
    'narrower',
    'the path means something else here: "+" stands for one whole segment',
  ],
  ['a/*/b', { capabilities: ['deny'] }, 'wider', 'the path means something else here: "*" stands for any rest'],
  [
    'a/{{identity.entity.id}}',
    { capabilities: ['read'] },
    'narrower',
    'the template identity.entity.id names no attribute',
  ],
  ['a', { capabilities: ['read'], mfa_methods: ['m'] }, 'wider', 'mfa_methods is the server'],
  ['a', { capabilities: ['subscribe'] }, 'narrower', 'the capability subscribe has no operation here'],
]

for (const [path, rule, makesIt, what] of UNCARRIED) {
  test(`what cannot be carried over is listed: ${path} ${JSON.stringify(rule)}`, () => {
    const { uncarried } = imported({ [path]: rule })
    assert.equal(uncarried.length, 1)
    assert.equal(uncarried[0]?.makesIt, makesIt)
    assert.ok(uncarried[0]?.what.startsWith(what), uncarried[0]?.what)
  })
}

test('a path that stands twice with parameters is listed, since the server merges their lists', () => {
  const block = { a: { capabilities: ['update'], allowed_parameters: { x: [] } } }
  const { uncarried } = importAcl({ path: [block, block] }, { file: 'p.hcl' })
  assert.deepEqual(
    uncarried.map(({ makesIt }) => makesIt),
    ['narrower'],
  )
})

test('a template becomes an attribute of the caller where one is named', () => {
  const { policy, uncarried } = imported(
    { 'kv/{{ identity.entity.name }}/*': { capabilities: ['read'] } },
    { templates: { 'identity.entity.name': 'user' } },
  )
  assert.deepEqual(uncarried, [])
  assert.equal((policy.rules as readonly { path: string }[])[0]?.path, 'kv/{{caller.user}}/*')
})

const REFUSED: readonly (readonly [JsonValue, string])[] = [
  [{ paths: {} }, `orders.hcl at /paths: a server policy has no "paths" (did you mean "path"?)`],
  [{ path: 'a' }, 'orders.hcl at /path: must be an object'],
  [
    { path: { a: { capabilities: 'raed' } } },
    `orders.hcl at /path/0/a/capabilities: unknown capability "raed" (did you mean "read"?)`,
  ],
  [{ path: { a: { capabilities: [1] } } }, 'orders.hcl at /path/0/a/capabilities: must be a list of strings'],
  [{ path: { a: { policy: 'all' } } }, 'orders.hcl at /path/0/a/policy: must be one of deny, read, write, sudo'],
  [
    { path: { a: { min_wrapping_ttl: 'soon' } } },
    'orders.hcl at /path/0/a/min_wrapping_ttl: must be a duration such as 90s, 5m or 1h',
  ],
]

for (const [document, message] of REFUSED) {
  test(`refused as the server refuses it: ${JSON.stringify(document)}`, () => {
    assert.throws(() => importAcl(document, { file: 'orders.hcl' }), { code: 'ERR_PORTCULLIS_POLICY_INVALID', message })
  })
}

test('what is made of it loads, and decides', async () => {
  const rule = { capabilities: ['update'], denied_parameters: { ttl: [] }, allowed_parameters: { '*': [] } }
  const engine = await engineOf(imported({ 'a/+/b*': rule }).policy)
  const said = (data: Record<string, JsonValue>): string =>
    engine.decide(ANYONE, request('write', 'a/x/bc', { data })).decision.effect
  assert.deepEqual(
    [said({}), said({ other: 1 }), said({ ttl: 1 }), said({ TTL: 1 })],
    ['allow', 'allow', 'deny', 'deny'],
  )
})
