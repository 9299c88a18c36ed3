import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FAULTS_MAX } from '../../../lib/policy/analysis/faults.ts'
import { checkPolicies, createPolicyEngine, parsePolicyText } from '../../../lib/policy/index.ts'
import { findingsOf, rule } from './support.ts'

/** Where faults are, as `line:column pointer message`. */
async function faults(text: string): Promise<readonly string[]> {
  const { findings } = await checkPolicies([{ file: 'p.json', text }])
  return findings.map(({ code, severity, line, column, pointer, message }) => {
    assert.deepEqual([code, severity], ['invalid', 'error'])
    return `${line}:${column} ${pointer} ${message}`
  })
}

test('every fault of a file is told, not only the first, each by line and column', async () => {
  const text = `{
  "policy": "p", "subjct": 1,
  "subject": { "properties": { "a": { "const": 1 }, "b": { "minimum": 1 } } },
  "rules": [
    { "path": "/x", "operations": ["reed"], "effect": "alow", "foo": 1 },
    { "path": "a", "operations": ["read"], "effect": "allow",
      "request": { "properties": { "x": { "format": "date", "pattern": "(?=a)" } } },
      "response": { "properties": { "y": { "$ref": "http://example.com/" } } } },
    { "operations": ["read"], "effect": "deny", "cache": { "ttl": "1s" } },
    { "id": "a", "path": "b", "operations": ["read"], "effect": "allow" },
    { "id": "a", "path": "c", "operations": ["read"], "effect": "allow", "cache": { "ttl": "0s" } }
  ]
}
`
  assert.deepEqual(await faults(text), [
    '2:18 /subjct unknown key "subjct" (did you mean "subject"?)',
    '3:3 /subject says nothing that a caller must have; leave "subject" out to bind every caller',
    '3:32 /subject/properties/a must be listed in "required", else the policy binds every caller without "a"',
    '3:53 /subject/properties/b must be listed in "required", else the policy binds every caller without "b"',
    '5:7 /rules/0/path a path has no leading slash; it is relative to /v1/',
    '5:36 /rules/0/operations/0 must be one of read, list, scan, write, create, update, patch, delete, sudo, *',
    '5:45 /rules/0/effect must be one of allow, deny, forbid',
    '5:63 /rules/0/foo unknown key "foo"',
    '7:7 /rules/1/request must state "additionalProperties" (false refuses what the schema does not name)',
    '7:43 /rules/1/request/properties/x/format "format" is not allowed: formats are not supported; use "pattern"',
    '7:61 /rules/1/request/properties/x/pattern the pattern cannot be used: error parsing regexp: invalid or unsupported Perl syntax: `(?=` (look-ahead, look-behind and back-references are not supported)',
    '8:44 /rules/1/response/properties/y/$ref must start with "#/" and name a part: a schema cannot refer to what is outside it',
    '9:5 /rules/2 the key "path" is missing',
    '9:49 /rules/2/cache "cache" may only stand on a rule whose effect is "allow", not "deny"',
    '11:7 /rules/4/id the id "a" stands twice in this policy',
    '11:85 /rules/4/cache/ttl must be above 0; leave "cache" out to keep nothing',
  ])
})

test('what is no JSON is told with line and column', async () => {
  assert.deepEqual(await faults('{\n  "policy": "p",\n  "rules": [ , ]\n}'), ['3:14  expected a value, found ","'])
  assert.deepEqual(await faults('{\n  // none\n}'), ['2:3  comments are not allowed in a policy'])
  assert.deepEqual(await faults(''), ['1:1  the text ends where a value should stand'])
  assert.deepEqual(await faults(`"${' '.repeat(1024 * 1024)}"`), [
    '1:1  larger than 1 MiB; split it into several policies',
  ])
})

const WHOLE: readonly (readonly [text: string, ...faults: readonly string[]])[] = [
  ['[]', '1:1  must be of type object'],
  ['{}', '1:1  the key "policy" is missing'],
  ['{ "policy": 7, "rules": {} }', '1:3 /policy must be of type string', '1:16 /rules must be of type array'],
  [
    '{ "policy": "p", "rules": [7, { "path": "" }] }',
    '1:28 /rules/0 must be of type object',
    '1:31 /rules/1 the key "operations" is missing',
    '1:33 /rules/1/path must NOT have fewer than 1 characters',
  ],
]

for (const [text, ...told] of WHOLE) {
  test(`${text} is told`, async () => {
    assert.deepEqual(await faults(text), told)
  })
}

test('faults that only show together are told with the file that is refused for them', async () => {
  const findings = await findingsOf([
    { policy: 'a', rules: [] },
    { policy: 'a', rules: [] },
    { policy: 'b', rules: [] },
    { policy: 'b', rules: [] },
  ])
  assert.deepEqual(
    findings.map(({ file, pointer, message }) => [file, pointer, message]),
    [
      ['p1.json', '/policy', 'the policy "a" is already defined in p0.json'],
      ['p3.json', '/policy', 'the policy "b" is already defined in p2.json'],
    ],
  )
})

test('a bad file hides nothing of the good ones', async () => {
  const findings = await findingsOf([
    { policy: 'a', ruls: [] },
    { policy: 'b', rules: [rule('allow', 'v1/kv/a', ['read'])] },
  ])
  assert.deepEqual(
    findings.map(({ file, code }) => [file, code]),
    [
      ['p0.json', 'invalid'],
      ['p0.json', 'invalid'],
      ['p1.json', 'v1-prefix'],
    ],
  )
})

test('so many faults that nobody reads them are cut', async () => {
  const rules = Array.from({ length: FAULTS_MAX + 5 }, () => rule('allow', '/x', ['read']))
  assert.equal((await findingsOf([{ policy: 'p', rules }])).length, FAULTS_MAX)
})

/** Ways to spoil one rule, and where that shows. */
const SPOILT: readonly (readonly [part: object, pointer: string])[] = [
  [{ path: '/x' }, '/path'],
  [{ path: 'a//b' }, '/path'],
  [{ operations: [] }, '/operations'],
  [{ effect: 'permit' }, '/effect'],
  [{ extra: 1 }, '/extra'],
  [{ cache: { ttl: '0s' } }, '/cache/ttl'],
  [{ limits: { minWrapTtl: '5m', maxWrapTtl: '1m' } }, '/limits/maxWrapTtl'],
  [{ request: { additionalProperties: false, properties: { a: { typ: 'string' } } } }, '/request/properties/a/typ'],
  [{ response: { properties: { a: { pattern: '(', type: 'string' } } } }, '/response/properties/a/pattern'],
  [{ wrapped: true }, '/wrapped'],
  [{ when: [{ from: '08:00', timeZone: 'Nowhere/None' }] }, '/when/0/timeZone'],
]

test('of any rules that are spoilt each is told, once, and no other; and a file without faults loads', async () => {
  const spoiling = fc.array(fc.option(fc.constantFrom(...SPOILT)), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(spoiling, async (spoilt) => {
      const rules = spoilt.map((one, at) => ({ ...rule('allow', `kv/${at}`, ['read']), ...one?.[0] }))
      const text = JSON.stringify({ policy: 'p', rules })
      const { findings } = await checkPolicies([{ file: 'p.json', text }])
      const invalid = findings.filter(({ code }) => code === 'invalid').map(({ pointer }) => pointer)
      const expected = spoilt.flatMap((one, at) => (one === null ? [] : [`/rules/${at}${one[1]}`]))
      assert.deepEqual(invalid, expected)
      const loading = createPolicyEngine([parsePolicyText('p.json', text)], { namespace: '' })
      if (expected.length === 0) await loading
      else await assert.rejects(loading, (error: { readonly pointer: string }) => expected.includes(error.pointer))
    }),
    { numRuns: 60 },
  )
})
