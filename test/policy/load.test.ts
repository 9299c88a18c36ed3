import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPolicyEngine } from '../../lib/policy/engine.ts'
import { ANYONE, allow, engineFor, engineOf, request, said } from './support.ts'

const CLOSED = { additionalProperties: false }
const policy = (rest: object): object => ({ policy: 'p', rules: [], ...rest })
const ruled = (rest: object): object =>
  policy({ rules: [{ path: 'kv/a', operations: ['read'], effect: 'allow', ...rest }] })
const asking = (request: unknown): object => ruled({ request })
const field = (schema: unknown): object => asking({ properties: { a: schema }, ...CLOSED })
const nested = (depth: number): object => (depth === 0 ? {} : { not: nested(depth - 1) })

/** Document, pointer and problem. */
const REFUSALS: readonly (readonly [string, unknown, string, string])[] = [
  ['no object', [], '', 'must be of type object'],
  ['no JSON', policy({ description: () => 1 }), '/description', 'must be JSON, got a function'],
  ['no number of JSON', policy({ description: Number.NaN }), '/description', 'must be JSON, got a number'],
  ['an instance', policy({ subject: new Date(0) }), '/subject', 'must be a plain JSON object'],
  ['a missing name', { rules: [] }, '', 'the key "policy" is missing'],
  ['missing rules', { policy: 'p' }, '', 'the key "rules" is missing'],
  ['a misspelt key', policy({ rulez: [] }), '/rulez', 'unknown key "rulez" (did you mean "rules"?)'],
  [
    'a misspelt key of a rule',
    ruled({ efect: 'deny' }),
    '/rules/0/efect',
    'unknown key "efect" (did you mean "effect"?)',
  ],
  ['a key like no other', policy({ somethingElse: 1 }), '/somethingElse', 'unknown key "somethingElse"'],
  ['a wrong effect', ruled({ effect: 'permit' }), '/rules/0/effect', 'must be one of allow, deny, forbid'],
  ['a wrong type', ruled({ path: 1 }), '/rules/0/path', 'must be of type string'],
  [
    'an unknown operation',
    ruled({ operations: ['get'] }),
    '/rules/0/operations/0',
    'must be one of read, list, scan, write, create, update, patch, delete, sudo, *',
  ],
  [
    'the name __proto__',
    JSON.parse('{"policy":"p","rules":[],"__proto__":{}}'),
    '',
    'the name "__proto__" is not allowed',
  ],
  ['another mode', policy({ mode: 'warn' }), '/mode', 'must be one of enforce, shadow'],
  ['a leading slash', ruled({ path: '/kv/a' }), '/rules/0/path', 'a path has no leading slash; it is relative to /v1/'],
  ['an empty segment', ruled({ path: 'kv//a' }), '/rules/0/path', 'a path must not have an empty segment (//)'],
  ['a segment ..', ruled({ path: 'kv/../a' }), '/rules/0/path', 'a path must not have a segment . or ..'],
  [
    'a * inside',
    ruled({ path: 'kv/*/a' }),
    '/rules/0/path',
    '"*" stands for any rest and may only be the last character',
  ],
  [
    'a + in a segment',
    ruled({ path: 'kv/a-+' }),
    '/rules/0/path',
    '"+" stands for one whole segment: it must be alone between slashes; for the rest of a name end in "*"',
  ],
  [
    'a +*',
    ruled({ path: 'kv/+*' }),
    '/rules/0/path',
    '"+" stands for one whole segment: it must be alone between slashes; for the rest of a name end in "*"',
  ],
  ['a control character', ruled({ path: 'kv/a\u0000' }), '/rules/0/path', 'a path must not have control characters'],
  ['a lone surrogate', ruled({ path: 'kv/\ud800' }), '/rules/0/path', 'a path must not have a lone surrogate'],
  [
    'a namespace with a slash',
    policy({ namespace: 'team-a/' }),
    '/namespace',
    'a namespace has no slash at either end and no empty, . or .. segment: team-a/sub, or "" for the root',
  ],
  [
    'an id that stands twice',
    policy({ rules: [allow('a', ['read'], { id: 'x' }), allow('b', ['read'], { id: 'x' })] }),
    '/rules/1/id',
    'the id "x" stands twice in this policy',
  ],
  [
    'an id like a default one',
    policy({ rules: [allow('a', ['read'], { id: 'rule-1' }), allow('b', ['read'])] }),
    '/rules/1/id',
    'the id "rule-1" stands twice in this policy',
  ],
  [
    'a condition on forbid',
    ruled({ effect: 'forbid', request: CLOSED }),
    '/rules/0/request',
    '"request" may only stand on a rule whose effect is "allow", not "forbid"',
  ],
  [
    'a cache on deny',
    ruled({ effect: 'deny', cache: { ttl: '1s' } }),
    '/rules/0/cache',
    '"cache" may only stand on a rule whose effect is "allow", not "deny"',
  ],
  ['wrapped alone', ruled({ wrapped: true }), '/rules/0/wrapped', 'has a meaning only beside "response"'],
  [
    'a cache for no time',
    ruled({ cache: { ttl: '0s' } }),
    '/rules/0/cache/ttl',
    'must be above 0; leave "cache" out to keep nothing',
  ],
  ['a number for a duration', ruled({ cache: { ttl: 30 } }), '/rules/0/cache/ttl', 'must be of type string'],
  [
    'a duration without unit',
    ruled({ cache: { ttl: '30' } }),
    '/rules/0/cache/ttl',
    'must be a whole number and a unit, such as 30s, 5m, 1h',
  ],
  ['a wrap limit of nothing', ruled({ limits: { minWrapTtl: '0s' } }), '/rules/0/limits/minWrapTtl', 'must be above 0'],
  [
    'crossed wrap limits',
    ruled({ limits: { minWrapTtl: '2m', maxWrapTtl: '1m' } }),
    '/rules/0/limits/maxWrapTtl',
    'is below "minWrapTtl", so nothing could pass',
  ],
  [
    'an open request schema',
    asking({ properties: { a: { type: 'string' } } }),
    '/rules/0/request',
    'must state "additionalProperties" (false refuses what the schema does not name)',
  ],
  [
    'an open query schema',
    ruled({ query: {} }),
    '/rules/0/query',
    'must state "additionalProperties" (false refuses what the schema does not name)',
  ],
  [
    'a misspelt required',
    asking({ properties: { plain: { type: 'string' } }, required: ['plan'], ...CLOSED }),
    '/rules/0/request/required',
    'requires "plan", which "properties" does not name (did you mean "plain"?)',
  ],
  [
    'a schema for no object',
    asking({ type: 'string', ...CLOSED }),
    '/rules/0/request/type',
    'must be "object", since an object is what it is applied to',
  ],
  [
    'an unknown keyword',
    field({ type: 'string', maxLenght: 3 }),
    '/rules/0/request/properties/a/maxLenght',
    'unknown keyword "maxLenght" (did you mean "maxLength"?)',
  ],
  [
    'a format',
    field({ type: 'string', format: 'uuid' }),
    '/rules/0/request/properties/a/format',
    '"format" is not allowed: formats are not supported; use "pattern"',
  ],
  [
    '$data',
    field({ type: 'number', maximum: { $data: '1/b' } }),
    '/rules/0/request/properties/a/maximum/$data',
    '"$data" is not allowed: values of the request must not become part of the schema',
  ],
  [
    'a remote reference',
    field({ $ref: 'https://evil.example/s.json' }),
    '/rules/0/request/properties/a/$ref',
    'must start with "#/" and name a part: a schema cannot refer to what is outside it',
  ],
  [
    'a reference to a file',
    field({ $ref: 'other.json#/a' }),
    '/rules/0/request/properties/a/$ref',
    'must start with "#/" and name a part: a schema cannot refer to what is outside it',
  ],
  [
    'a reference to nothing',
    field({ $ref: '#/$defs/x' }),
    '/rules/0/request',
    "the schema is wrong: can't resolve reference #/$defs/x from id #",
  ],
  [
    'an id',
    field({ $id: 'x' }),
    '/rules/0/request/properties/a/$id',
    '"$id" is not allowed: a policy schema has no name of its own; use "$defs" and "$ref": "#/$defs/…"',
  ],
  [
    'another dialect',
    asking({ $schema: 'http://json-schema.org/draft-07/schema#', ...CLOSED }),
    '/rules/0/request/$schema',
    'must be "https://json-schema.org/draft/2020-12/schema", the only dialect read',
  ],
  [
    'a keyword of wrong type',
    field({ type: 'string', maxLength: 'x' }),
    '/rules/0/request/properties/a/maxLength',
    'the schema is wrong: must be integer',
  ],
  [
    'a bound without type',
    field({ maxLength: 3 }),
    '/rules/0/request',
    'the schema is wrong: missing type "string" for keyword "maxLength" at "#/properties/a" (strictTypes)',
  ],
  [
    'a look-ahead',
    field({ type: 'string', pattern: '(?=a)a' }),
    '/rules/0/request/properties/a/pattern',
    'the pattern cannot be used: error parsing regexp: invalid or unsupported Perl syntax: `(?=` (look-ahead, look-behind and back-references are not supported)',
  ],
  [
    'a back-reference',
    field({ type: 'string', pattern: '(a)\\1' }),
    '/rules/0/request/properties/a/pattern',
    'the pattern cannot be used: error parsing regexp: invalid escape sequence: `\\1` (look-ahead, look-behind and back-references are not supported)',
  ],
  [
    'a back-reference in patternProperties',
    asking({ patternProperties: { '(a)\\1': {} }, ...CLOSED }),
    '/rules/0/request/patternProperties/(a)\\1',
    'the pattern cannot be used: error parsing regexp: invalid escape sequence: `\\1` (look-ahead, look-behind and back-references are not supported)',
  ],
  [
    'unbounded uniqueItems',
    field({ type: 'array', uniqueItems: true }),
    '/rules/0/request/properties/a/uniqueItems',
    'needs "maxItems" of at most 1000 beside it: each item is compared with each',
  ],
  ['a large schema', field({ enum: ['x'.repeat(64 * 1024)] }), '/rules/0/request', 'the schema is larger than 64 KiB'],
  [
    'a deep schema',
    asking({ ...nested(40), ...CLOSED }),
    `/rules/0/request${'/not'.repeat(32)}`,
    'the schema is nested deeper than 32 levels',
  ],
  [
    'a list for a map',
    asking({ properties: [], ...CLOSED }),
    '/rules/0/request/properties',
    'must be an object of schemas',
  ],
  [
    'an empty subject',
    policy({ subject: {} }),
    '/subject',
    'says nothing that a caller must have; leave "subject" out to bind every caller',
  ],
  [
    'a subject that binds who lacks it',
    policy({ subject: { properties: { team: { const: 'a' }, user: { const: 'u' } }, required: ['team'] } }),
    '/subject/properties/user',
    'must be listed in "required", else the policy binds every caller without "user"',
  ],
  [
    'a subject nested so',
    policy({ subject: { anyOf: [{ properties: { team: { const: 'a' } } }] } }),
    '/subject/anyOf/0/properties/team',
    'must be listed in "required", else the policy binds every caller without "team"',
  ],
  [
    'a vacuous subject',
    policy({ subject: { required: ['a'], patternProperties: { '^t': { const: 1 } } } }),
    '/subject/patternProperties',
    '"patternProperties" would bind every caller that lacks the attribute; use "properties" and "required"',
  ],
]

for (const [what, document, pointer, problem] of REFUSALS) {
  test(`${what} is refused at load, by place`, async () => {
    const message = `p0.json${pointer === '' ? '' : ` at ${pointer}`}: ${problem}`
    await assert.rejects(engineOf(document), {
      name: 'PolicyLoadError',
      code: 'ERR_PORTCULLIS_POLICY_INVALID',
      file: 'p0.json',
      pointer,
      message,
    })
  })
}

test('a document in a circle is refused', async () => {
  const document: Record<string, unknown> = { policy: 'p', rules: [] }
  document.subject = document
  await assert.rejects(engineOf(document), /nested deeper than 64 levels, or in a circle$/)
})

test('two policies of one name are refused, with the file of the first', async () => {
  await assert.rejects(engineOf(policy({}), policy({})), {
    file: 'p1.json',
    message: 'p1.json at /policy: the policy "p" is already defined in p0.json',
  })
})

test('more schemas than an engine holds are refused', async () => {
  const rules = (from: number): object[] =>
    Array.from({ length: 1001 }, (_, at) =>
      allow(`a${from + at}`, ['read'], { request: { maxProperties: from + at, ...CLOSED } }),
    )
  const documents = [0, 1001].map((from) => ({ policy: `p${from}`, rules: rules(from) }))
  await assert.rejects(engineOf(...documents), /more than 2000 different schemas are loaded$/)
})

test('ten thousand rules with one schema load', async () => {
  const schema = { properties: { a: { type: 'string' } }, ...CLOSED }
  const documents = Array.from({ length: 10 }, (_, d) => ({
    policy: `p${d}`,
    rules: Array.from({ length: 1000 }, (_, at) => allow(`kv/${d}/${at}`, ['write'], { request: schema })),
  }))
  const engine = await engineOf(...documents)
  assert.equal(said(engine, request('write', 'kv/9/999', { data: { a: 'x' } })), 'allow rule rule-999')
})

test('what is changed in a document after loading changes nothing', async () => {
  const operations = ['read']
  const engine = await engineFor(allow('kv/a', operations))
  operations.push('delete')
  assert.equal(said(engine, request('delete', 'kv/a')), 'deny operation rule-0')
})

test('policies named like members of objects are policies like others', async () => {
  const engine = await engineOf(
    { policy: 'constructor', rules: [] },
    { policy: '__proto__', rules: [allow('a', ['read'], { id: 'toString' })] },
  )
  assert.deepEqual(engine.policies, ['constructor', '__proto__'])
  assert.equal(said(engine, request('read', 'a')), 'allow rule toString')
})

test('unrestricted allows everything, and only without documents', async () => {
  const engine = await createPolicyEngine([], { namespace: '', unrestricted: true })
  assert.equal(said(engine, request('delete', 'sys/raw')), 'allow unrestricted')
  assert.equal(engine.explain(ANYONE, request('read', 'a')).decision.reason, 'unrestricted')
  const documents = [{ file: 'p.json', document: policy({}) }]
  await assert.rejects(createPolicyEngine(documents, { namespace: '', unrestricted: true }), TypeError)
})

test('wrong options are refused', async () => {
  await assert.rejects(createPolicyEngine([], { namespace: '/a/' }), /^TypeError: namespace is not canonical/)
  await assert.rejects(
    createPolicyEngine([], { namespace: '', unrestricte: true } as never),
    /has no option "unrestricte"/,
  )
})
