import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PathIndex } from '../../../lib/policy/path-index.ts'
import { comparePatterns, parsePattern } from '../../../lib/policy/pattern.ts'
import { Place } from '../../../lib/policy/place.ts'

const PLACE = new Place('p.json')

function indexOf(patterns: Iterable<string>): PathIndex<string> {
  const index = new PathIndex<string>()
  for (const text of patterns) index.add(parsePattern(text, PLACE), text)
  return index
}

/** The pattern that wins for `path`, and the nodes that were looked at. */
function best(index: PathIndex<string>, path: string): readonly [winner: string | undefined, visits: number] {
  const before = index.visits
  const winner = index.best(path)?.pattern.text
  return [winner, index.visits - before]
}

/** Every text of `depth` segments out of `segments`, `+` among them: as many trees as there are ways. */
function every(depth: number, segments: readonly string[], end = ''): readonly string[] {
  if (depth === 0) return [end]
  return segments.flatMap((segment) => every(depth - 1, segments, end).map((rest) => `${segment}/${rest}`))
}

const dense = fc.record({
  patterns: fc.uniqueArray(
    fc
      .tuple(
        fc.array(fc.constantFrom('+', '+', 'a', 'b', 'ab', 'é', '!', '~', '𝒳'), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('', '', '/', '/*', '*', '/a*', '/ab*'),
      )
      .map(([segments, end]) => segments.join('/') + (end === '*' && segments.at(-1) === '+' ? '' : end)),
    { minLength: 1, maxLength: 150 },
  ),
  paths: fc.array(
    fc
      .tuple(
        fc.array(fc.constantFrom('a', 'b', 'ab', 'abc', 'é', '!', '~', '𝒳'), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
      )
      .map(([segments, slash]) => segments.join('/') + (slash ? '/' : '')),
    { minLength: 1, maxLength: 20 },
  ),
})

test('the best of what matches is the greatest of what matches', () => {
  fc.assert(
    fc.property(dense, ({ patterns, paths }) => {
      const index = indexOf(patterns)
      for (const path of paths) {
        const matching = index.wildcards(path).map(({ pattern }) => pattern)
        const greatest = matching.sort(comparePatterns).at(-1)?.text
        assert.equal(index.best(path)?.pattern.text, greatest, `${path} in ${patterns}`)
      }
    }),
    { numRuns: 400 },
  )
})

test('all that matches is found, whatever the search remembers', () => {
  const matches = (text: string, path: string): boolean => {
    const source = text.replace(/\*$/, '').replaceAll('+', '[^/]*')
    return new RegExp(`^${source}${text.endsWith('*') ? '.*' : ''}$`, 'u').test(path)
  }
  fc.assert(
    fc.property(dense, ({ patterns, paths }) => {
      const index = indexOf(patterns)
      for (const path of paths) {
        const found = index.wildcards(path).map(({ pattern }) => pattern.text)
        const expected = patterns.filter((text) => /[+*]/.test(text) && matches(text, path))
        assert.deepEqual(found.sort(), expected.sort(), path)
      }
    }),
    { numRuns: 200 },
  )
})

const DEPTH = 13
/** 8,192 patterns of which each path of `a` alone would have to try all. */
const TREE = indexOf(every(DEPTH, ['a', '+'], 'z'))

test('patterns with + or a literal at each depth cost a few nodes a depth, found or not', () => {
  for (const [path, winner] of [
    [`${'a/'.repeat(DEPTH)}y`, undefined],
    [`x/${'a/'.repeat(DEPTH - 1)}y`, undefined],
    [`x/${'a/'.repeat(DEPTH - 1)}z`, `+/${'a/'.repeat(DEPTH - 1)}z`],
    [`${'x/'.repeat(DEPTH)}z`, `${'+/'.repeat(DEPTH)}z`],
    [`${'x/a/'.repeat(DEPTH)}z`, undefined],
    [`${'a/'.repeat(2000)}z`, undefined],
  ] as const) {
    const [found, visits] = best(TREE, path)
    assert.equal(found, winner)
    assert.ok(visits <= 20 * DEPTH, `${visits} visits for ${path.slice(0, 40)}`)
  }
})

test('what matches nothing costs as little when all that matches is asked for', () => {
  const before = TREE.visits
  assert.deepEqual(TREE.wildcards(`${'a/'.repeat(DEPTH)}y`), [])
  // The literal ways down are gone one by one, and from each node of them the + is tried.
  assert.ok(TREE.visits - before <= 20 * DEPTH, String(TREE.visits - before))
})

test('ten thousand rules cost hardly more nodes than ten', () => {
  const shapes: Readonly<Record<string, readonly [pattern: (at: number) => string, path: (at: number) => string]>> = {
    exact: [(at) => `kv/data/app-${at}`, (at) => `kv/data/app-${at}/x`],
    'under one prefix with +': [(at) => `kv/data/team-${at}/+/config`, (at) => `kv/data/team-${at}/${at}/config`],
    'under one +': [(at) => `kv/+/team-${at}/x`, (at) => `kv/data/team-${at}/x`],
    prefixes: [(at) => `kv/data/team-${at}-*`, (at) => `kv/data/team-${at}-x`],
    'prefixes of each length': [(at) => `kv/${'a'.repeat(at % 1000)}${at}*`, (at) => `kv/${'a'.repeat(1000)}${at}`],
    'deep +': [(at) => `${'+/'.repeat(90 + (at % 10))}${at}`, (at) => `${'x/'.repeat(90 + (at % 10))}${at}`],
  }
  for (const [name, [pattern, path]] of Object.entries(shapes)) {
    const most = (count: number): number => {
      const index = indexOf(Array.from({ length: count }, (_, at) => pattern(at)))
      return Math.max(...Array.from({ length: 200 }, (_, at) => best(index, path(at))[1]))
    }
    const [few, many] = [most(10), most(10_000)]
    assert.ok(many <= 2 * few + 4 * Math.log2(10_000), `${name}: ${few} nodes with 10 rules, ${many} with 10,000`)
  }
})

test('the cost is linear in the path, for the longest and the most divided', () => {
  const index = indexOf([
    ...Array.from({ length: 400 }, (_, at) => `${'a/'.repeat(at)}+/${'a/'.repeat(400 - at)}z`),
    ...Array.from({ length: 400 }, (_, at) => `${'a/'.repeat(at)}a*`),
    ...every(9, ['a', '+'], 'a*'),
  ])
  const paths = [500, 1000, 2000].map((segments) => `${'a/'.repeat(segments)}y`)
  const [short, middle, long] = paths.map((path) => best(index, path)[1]) as [number, number, number]
  assert.ok(middle <= 2 * short && long <= 4 * short, `${short}, ${middle}, ${long} visits`)
  for (const path of ['a/'.repeat(2047), 'a'.repeat(4096), `${'a/'.repeat(400)}${'b'.repeat(3000)}`]) {
    assert.ok(best(index, path)[1] <= 10 * path.length, path.slice(0, 20))
  }
})

test('the cost is linear in the rules where no two of them are alike', () => {
  const some = (count: number): readonly string[] =>
    every(14, ['a', '+'], 'z').filter((_, at) => ((at * 2_654_435_761) >>> 8) % 16_384 < count)
  const visits = [1000, 4000, 16_000].map((count) => best(indexOf(some(count)), `x/${'a/'.repeat(13)}y`)[1])
  const [few, more, most] = visits as [number, number, number]
  assert.ok(more <= 4 * few && most <= 16 * few && most <= 16_000, String(visits))
})
