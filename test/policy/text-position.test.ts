import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { locateIn } from '../../lib/policy/text-position.ts'

const TEXT = `{
  "policy": "a\\"}]",
  "rules": [ { "path": "x", "a/b~": [1, true,null] },
    {}, "x" ]
}
`

const PLACES: readonly (readonly [pointer: string, place: string | undefined])[] = [
  ['', '1:1'],
  ['/policy', '2:3'],
  ['/rules', '3:3'],
  ['/rules/0', '3:14'],
  ['/rules/0/path', '3:16'],
  ['/rules/0/a~1b~0', '3:29'],
  ['/rules/0/a~1b~0/0', '3:38'],
  ['/rules/0/a~1b~0/2', '3:46'],
  ['/rules/1', '4:5'],
  ['/rules/2', '4:9'],
  ['/rules/3', undefined],
  ['/none', undefined],
]

test('a part is found by line and column: a member at its name, an item at its value', () => {
  const locate = locateIn(TEXT)
  for (const [pointer, place] of PLACES) {
    const at = locate(pointer)
    assert.equal(at === undefined ? undefined : `${at.line}:${at.column}`, place, pointer)
  }
})

test('every part of every JSON text is found, where its own text begins', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (json, indent) => {
      const value: unknown = JSON.parse(json)
      const text = JSON.stringify(value, undefined, indent)
      const lines = text.split('\n')
      const locate = locateIn(text)
      for (const [pointer, start] of partsOf(value, '')) {
        const { line = 0, column = 0 } = locate(pointer) ?? {}
        assert.equal(lines[line - 1]?.slice(column - 1, column - 1 + start.length), start, pointer)
      }
    }),
    { numRuns: 300 },
  )
})

/** Pointers of all parts, with how each begins in the text. */
function partsOf(value: unknown, pointer: string): readonly (readonly [pointer: string, start: string])[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => {
    const below = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const start = Array.isArray(value) ? (JSON.stringify(member)[0] ?? '') : JSON.stringify(name)
    return [[below, start] as const, ...partsOf(member, below)]
  })
}
