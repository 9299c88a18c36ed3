import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prefixes } from '../../../lib/policy/paths/prefixes.ts'

function prefixesOf(texts: readonly string[]): Prefixes<string> {
  const prefixes = new Prefixes<string>()
  for (const text of texts) prefixes.at(text, () => text)
  return prefixes
}

/** Texts that share much, some with halves of characters that a text of its own could not have. */
const text = fc.array(fc.constantFrom('a', 'aa', 'ab', 'b', 'é', '𝒳', '\u{1d4b4}', '\uffff'), { maxLength: 6 })
const texts = fc.array(
  text.map((parts) => parts.join('')),
  { maxLength: 40 },
)

test('what a text begins with is found as by looking at each', () => {
  fc.assert(
    fc.property(texts, texts, (known, asked) => {
      const prefixes = prefixesOf(known)
      for (const one of asked) {
        const expected = [...new Set(known)].filter((other) => one.startsWith(other)).sort()
        const found: string[] = []
        prefixes.collect(one, { visits: 0 }, found)
        assert.deepEqual(found.sort(), expected)
        assert.equal(prefixes.longest(one, { visits: 0 }), expected.at(-1))
      }
    }),
    { numRuns: 500 },
  )
})

test('texts can be added between look-ups, and stand sorted, each once', () => {
  const prefixes = prefixesOf(['b', 'a', 'ab', 'a'])
  assert.equal(prefixes.longest('abc', { visits: 0 }), 'ab')
  prefixes.at('abc', () => 'abc')
  assert.equal(
    prefixes.at('abc', () => 'other'),
    'abc',
  )
  assert.equal(prefixes.longest('abcd', { visits: 0 }), 'abc')
  assert.deepEqual(
    [...prefixes.entries()].map(([one]) => one),
    ['a', 'ab', 'abc', 'b'],
  )
})

test('a look-up costs the logarithm of the texts, even where each begins with all shorter ones', () => {
  const count = 10_000
  const prefixes = prefixesOf(Array.from({ length: count }, (_, at) => 'a'.repeat(at + 1)))
  for (const length of [1, 2, 500, 9_999, 10_000, 20_000]) {
    for (const end of ['', 'b', '!']) {
      const tally = { visits: 0 }
      const found = prefixes.longest('a'.repeat(length) + end, tally)
      assert.equal(found?.length, Math.min(length, count))
      assert.ok(tally.visits <= 4 * Math.log2(count), `${tally.visits} visits for ${length}${end}`)
    }
  }
})
