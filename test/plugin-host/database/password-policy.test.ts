import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  checkedPolicy,
  DEFAULT_PASSWORD_POLICY,
  generatePassword,
} from '../../../lib/plugin-host/database/password-policy.ts'
import { parsePasswordPolicy, policyText } from '../../../lib/plugin-host/database/policy-document.ts'
import { systemRandom } from '../../../lib/system/random.ts'

const ABC = [{ charset: 'abc', minChars: 0 }]

test('policies that the server takes are read alike', () => {
  const documents: readonly (readonly [document: string, length: number, rules: readonly object[]])[] = [
    ['length = 20\nrule "charset" { charset = "abc" }', 20, ABC],
    ['length = 20 rule "charset" { charset = "abc" }', 20, ABC],
    ['length=20\nrule charset { charset = "abc" bogus = 3 }', 20, ABC],
    [
      'length = 20\nbogus = 1\nrule "charset" { charset = "abc", min-chars = 2 }',
      20,
      [{ charset: 'abc', minChars: 2 }],
    ],
    ['rule "charset" { charset = "abc"\n min-chars = 1 }\nlength=0x14', 20, [{ charset: 'abc', minChars: 1 }]],
    ['length = 20 # c\n// c\n/* c */ rule "charset" {\n charset = "abc"\n}\n', 20, ABC],
    ['length = 20\nlength = 10\nrule "charset" { charset = "abc" }', 10, ABC],
    ['length = 5.5\nrule "charset" { charset = "abc" min-chars = -2 }', 5, [{ charset: 'abc', minChars: -2 }]],
    ['length = 20\nrule "charset" { charset = "a\\"\\\\\\u0041" }', 20, [{ charset: 'a"\\A', minChars: 0 }]],
    ['{"length":20,"rule":[{"charset":{"charset":"abc"}}]}', 20, ABC],
    ['{"length":20,"rule":{"charset":{"charset":"abc","min-chars":0}}}', 20, ABC],
    ['{"length":20,"rules":[{"charset":"abc","min_chars":0}]}', 20, ABC],
    [policyText(Buffer.from('length=20\nrule "charset" { charset = "abc" }').toString('base64')), 20, ABC],
  ]
  for (const [document, length, rules] of documents)
    assert.deepEqual(parsePasswordPolicy(document), { length, rules }, document)
  assert.deepEqual(parsePasswordPolicy({ length: 20, rules: [{ charset: 'abc' }] }), { length: 20, rules: ABC })
})

test('policies that the server refuses are refused with its words', () => {
  const one = (reason: string): string => `invalid password policy: 1 error occurred:\n\t* ${reason}\n\n`
  const documents: readonly (readonly [document: string, message: string])[] = [
    ['length = 3', one('no charset specified')],
    ['rule "charset" { charset = "a" }', one('length must be > 0')],
    ['length = -5\nrule "charset" { charset = "a" }', one('length must be > 0')],
    ['length = 20\nrule "charset" { charset = "" }', one('no charset specified')],
    ['length = 20\nrule "charset" { charset = "a\\tb" }', one('non-printable character in charset')],
    [
      'length = 4\nrule "charset" { charset = "abc" min-chars = 5 }',
      one('specified rules require at least 5 characters but 4 is specified'),
    ],
    [
      'length = 20\nrule "foo" { charset = "a" }',
      'invalid password policy: unable to parse rules: unable to parse rule foo: unrecognized rule type foo',
    ],
    [
      'length = "20"\nrule "charset" { charset = "ab" }',
      "invalid password policy: failed to decode configuration: decoding failed due to the following error(s):\n\n'length' expected type 'int', got unconvertible type 'string'",
    ],
    [
      'length = 20; rule "charset" { charset = "ab" }',
      'invalid password policy: unable to decode: At 1:12: illegal char',
    ],
    [
      'length = 20\nrule "charset" { charset = "ab" ',
      'invalid password policy: unable to decode: At 2:34: object expected closing RBRACE got: EOF',
    ],
    ['length = 20\nrule "charset" "x" { charset = "abcdef" }', one('no charset specified')],
  ]
  for (const [document, message] of documents)
    assert.throws(() => parsePasswordPolicy(document), new TypeError(message), document)
})

test('what is no policy is refused, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.json()), (text) => {
      try {
        parsePasswordPolicy(text)
      } catch (error) {
        assert.ok(error instanceof TypeError)
      }
    }),
  )
  assert.throws(() => parsePasswordPolicy(`a ${'a '.repeat(20_000)}{}`), /nested too deeply/)
  assert.throws(() => parsePasswordPolicy(`${'x'.repeat(70_000)}`), /too long/)
})

test('every password satisfies its policy', () => {
  const rule = fc.record({
    charset: fc.string({ unit: fc.constantFrom(...'abcABC012-éß😀'), minLength: 1, maxLength: 12 }),
    minChars: fc.integer({ min: -1, max: 6 }),
  })
  const policies = fc
    .record({ length: fc.integer({ min: 1, max: 40 }), rules: fc.array(rule, { minLength: 1, maxLength: 4 }) })
    .filter(({ length, rules }) => rules.reduce((sum, { minChars }) => sum + Math.max(0, minChars), 0) <= length)
  fc.assert(
    fc.property(policies, (policy) => {
      const password = [...generatePassword(checkedPolicy(policy), systemRandom)]
      const all = new Set(policy.rules.flatMap(({ charset }) => [...charset]))
      assert.equal(password.length, policy.length)
      assert.ok(password.every((char) => all.has(char)))
      for (const { charset, minChars } of policy.rules)
        assert.ok(password.filter((char) => charset.includes(char)).length >= minChars)
    }),
  )
})

test('a policy that nearly no draw satisfies still yields a password', () => {
  const charset = Array.from({ length: 5_000 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('')
  const policy = checkedPolicy({
    length: 10,
    rules: [
      { charset, minChars: 0 },
      { charset: '0', minChars: 5 },
    ],
  })
  const password = generatePassword(policy, systemRandom)
  assert.equal([...password].filter((char) => char === '0').length >= 5, true)
})

test('no character and no place is preferred', () => {
  const draws = 20_000
  const policy = { length: 3, rules: [{ charset: 'aabcdefg', minChars: 0 }] }
  const counts = new Map<string, number>()
  for (let draw = 0; draw < draws; draw += 1)
    for (const [place, char] of [...generatePassword(policy, systemRandom)].entries())
      counts.set(`${place}${char}`, (counts.get(`${place}${char}`) ?? 0) + 1)
  assert.equal(counts.size, 21)
  const expected = draws / 7
  // Chi-squared over 21 cells with 18 degrees of freedom: beyond 70 once in ten million runs.
  const chi = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  assert.ok(chi < 70, `chi squared is ${chi}`)
})

test('the default is 20 characters of lower, upper, digit and dash, one each at least', () => {
  const password = generatePassword(checkedPolicy(DEFAULT_PASSWORD_POLICY), systemRandom)
  assert.match(password, /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*-)[A-Za-z\d-]{20}$/)
})
