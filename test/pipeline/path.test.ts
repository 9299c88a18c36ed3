import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PATH_MAX_LENGTH, pathProblem } from '../../lib/pipeline/path.ts'

for (const path of [
  '',
  '/',
  '/kv/a',
  'kv//a',
  'kv/a//',
  '.',
  '..',
  './kv',
  'kv/.',
  'kv/..',
  'kv/./a',
  'kv/../a',
  'kv/../',
  'kv/\u0000',
  'kv/a\nb',
  'kv/a\tb',
  'kv/\u007f',
  'kv/\u0085',
  'kv/\u009f',
  'kv/\ud800',
  'kv/\udc00a',
  `kv/${'a'.repeat(PATH_MAX_LENGTH)}`,
]) {
  test(`${JSON.stringify(path.slice(0, 20))} is refused`, () => assert.equal(typeof pathProblem(path), 'string'))
}

for (const path of [
  'kv',
  'kv/',
  'kv/a/',
  'kv/a b',
  'kv/ a ',
  'kv/a?b',
  'kv/a#b',
  'kv/a%b',
  'kv/%2e%2e',
  'kv/%2e%2e/a',
  'kv/a\\b',
  'kv/..\\a',
  'kv/a+b',
  'kv/*',
  'kv/a..b',
  'kv/..a',
  'kv/a..',
  'kv/...',
  'kv/\u00e9',
  'kv/e\u0301',
  'kv/\u{1f511}',
  'kv/\u00a0',
  'kv/__proto__',
  'kv/constructor',
]) {
  test(`${JSON.stringify(path)} is taken`, () => assert.equal(pathProblem(path), undefined))
}

test('a path that is taken splits into segments that are neither empty nor dots', () => {
  const piece = fc.constantFrom('a', '.', '..', '/', '//', '%2e', '\\', ' ', '\u0000', '\u0085', '\ud800', '\u00e9')
  const anything = fc.oneof(
    fc.array(piece).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(anything, (path) => {
      if (pathProblem(path) !== undefined) return
      const segments = path.split('/')
      if (segments.at(-1) === '') segments.pop()
      assert.ok(segments.length > 0)
      for (const segment of segments) assert.ok(!['', '.', '..'].includes(segment))
      assert.ok(path.isWellFormed() && !/\p{Cc}/u.test(path))
    }),
    { numRuns: 2_000 },
  )
})
