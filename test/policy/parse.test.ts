import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PolicyLoadError } from '../../lib/errors/index.ts'
import { parsePolicyText } from '../../lib/policy/parse.ts'

const parse = (text: string): unknown => parsePolicyText('p.json', text).document

test('whatever JSON can say is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      assert.deepEqual(parse(text), JSON.parse(text))
    }),
  )
})

test('a text that JSON.parse refuses is refused', () => {
  const characters = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '1',
    '-',
    '.',
    'e',
    ' ',
    '\\',
    'true',
    'a',
    '\n',
  )
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      if (!isJson) assert.throws(() => parse(text), PolicyLoadError)
    }),
    { numRuns: 2000 },
  )
})

const FAULTS: readonly (readonly [string, string, string])[] = [
  ['a name that stands twice', '{\n "a": 1,\n "a": 2 }', 'p.json: line 3: the name "a" stands twice in one object'],
  [
    'a name that stands twice by escape',
    '{"a":1,"\\u0061":2}',
    'p.json: line 1: the name "a" stands twice in one object',
  ],
  ['a comment', '{\n // why\n}', 'p.json: line 2: comments are not allowed in a policy'],
  ['a block comment', '{"a": /* x */ 1}', 'p.json: line 1: comments are not allowed in a policy'],
  ['a trailing comma', '{"a": 1,}', 'p.json: line 1: expected a name or text in double quotes, found "}"'],
  ['a missing end', '{"a": [1', 'p.json: line 1: the text ends where "," or "]" should stand'],
  ['nothing', '', 'p.json: line 1: the text ends where a value should stand'],
  ['two documents', '{}\n{}', 'p.json: line 2: there is more after the end of the document'],
  ['deep nesting', '['.repeat(100_000), 'p.json: line 1: nested deeper than 64 levels'],
  ['too much', ' '.repeat(1024 * 1024 + 1), 'p.json: larger than 1 MiB; split it into several policies'],
]

for (const [what, text, message] of FAULTS) {
  test(`${what} is refused with file and line`, () => {
    assert.throws(() => parse(text), { name: 'PolicyLoadError', message, file: 'p.json', pointer: '' })
  })
}

test('a byte order mark is passed over', () => {
  assert.deepEqual(parse('\uFEFF{}'), {})
})

test('the name __proto__ becomes a member, not a prototype', () => {
  const read = parse('{"__proto__": {"x": 1}}')
  assert.deepEqual(Object.keys(read as object), ['__proto__'])
  assert.equal(Object.getPrototypeOf(read), Object.prototype)
})
