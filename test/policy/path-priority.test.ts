import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Operation } from '../../lib/model/operation.ts'
import { ANYONE, allow, engineFor, engineOf, request, said } from './support.ts'

/** Path asked for, patterns in any order, and the one that wins at the server. */
const WINNERS: readonly (readonly [string, readonly string[], string])[] = [
  ['kv/a', ['kv/*', 'kv/a', 'kv/+'], 'kv/a'],
  ['kv/a', ['kv/*', 'kv/a*'], 'kv/a*'],
  ['kv/a', ['kv/*', 'kv/+'], 'kv/+'],
  ['kv/a/b', ['kv/+/b', 'kv/a/+'], 'kv/a/+'],
  ['kv/a/b', ['+/a/b', 'kv/*'], 'kv/*'],
  ['kv/a/b', ['kv/+/b', 'kv/+/*'], 'kv/+/b'],
  ['kv/a/b', ['kv/+/+', 'kv/+/b'], 'kv/+/b'],
  ['kv/a/b', ['kv/+/*', 'kv/*'], 'kv/*'],
  ['kv/a/bcd', ['kv/+/b*', 'kv/+/bc*'], 'kv/+/bc*'],
  ['kv/a/b/c/d', ['kv/+/b/+/d', 'kv/+/+/c/d'], 'kv/+/b/+/d'],
  ['kv/a/b', ['*', '+/*'], '*'],
  ['a/x/é/x', ['a/+/é/+', 'a/+/+/x'], 'a/+/é/+'],
  ['kv/a+b', ['kv/+', 'kv/*'], 'kv/+'],
  ['kv/*', ['kv/*', 'kv/+'], 'kv/+'],
]

for (const [path, patterns, winner] of WINNERS) {
  test(`for ${path}, ${winner} wins among ${patterns.join(', ')}`, async () => {
    for (const order of [patterns, [...patterns].reverse()]) {
      const engine = await engineFor(...order.map((pattern) => allow(pattern, ['read'], { description: pattern })))
      const { rule } = engine.decide(ANYONE, request('read', path)).decision
      assert.equal(rule, `rule-${order.indexOf(winner)}`)
    }
  })
}

/** Does the rule of one path allow an operation on another? */
const SLASHES: readonly (readonly [string, Operation, string, boolean])[] = [
  ['kv/foo', 'list', 'kv/foo/', true],
  ['kv/foo', 'scan', 'kv/foo/', true],
  ['kv/foo', 'list', 'kv/foo', true],
  ['kv/foo', 'read', 'kv/foo/', false],
  ['kv/foo/', 'read', 'kv/foo', false],
  ['kv/foo/', 'list', 'kv/foo', true],
  ['kv/foo/*', 'list', 'kv/foo', true],
  ['kv/foo/*', 'read', 'kv/foo', false],
  ['kv/foo/*', 'read', 'kv/foo/', true],
  ['kv/foo*', 'read', 'kv/foobar/baz', true],
  ['kv/+', 'list', 'kv/foo', true],
  ['kv/+', 'read', 'kv/foo/', false],
  ['kv/+', 'read', 'kv/', true],
  ['kv/+', 'list', 'kv', true],
  ['kv/+/x', 'read', 'kv/x', false],
  ['+', 'read', 'kv', true],
  ['*', 'read', 'kv/a/b/c', true],
  ['kv/a', 'read', 'KV/a', false],
]

for (const [pattern, operation, path, expected] of SLASHES) {
  test(`the path ${pattern} ${expected ? 'grants' : 'does not grant'} ${operation} ${path}`, async () => {
    const engine = await engineFor(allow(pattern, ['read', 'list', 'scan']))
    assert.equal(engine.decide(ANYONE, request(operation, path)).decision.effect, expected ? 'allow' : 'deny')
  })
}

test('a LIST takes wildcards that match with its slash before those that match without', async () => {
  const engine = await engineFor(allow('kv/+', ['list']), allow('kv/foo/*', ['read']))
  assert.equal(said(engine, request('list', 'kv/foo')), 'deny operation rule-1')
})

test('é composed and é decomposed are two paths', async () => {
  const engine = await engineFor(allow('kv/\u00e9', ['read']))
  assert.equal(said(engine, request('read', 'kv/\u00e9')), 'allow rule rule-0')
  assert.equal(said(engine, request('read', 'kv/e\u0301')), 'deny no-rule')
})

test('segments named like members of objects are segments like others', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const engine = await engineFor(...names.map((name) => allow(`kv/${name}/x`, ['read'])))
  for (const [at, name] of names.entries()) {
    assert.equal(said(engine, request('read', `kv/${name}/x`)), `allow rule rule-${at}`)
    assert.equal(said(engine, request('read', `kv/${name}`)), 'deny no-rule')
  }
  const other = await engineFor(allow('kv/a', ['read']))
  assert.equal(said(other, request('read', '__proto__')), 'deny no-rule')
})

const segment = fc.constantFrom('a', 'b', 'ab', 'é', 'aé', '𝒳', 'a-b')
const path = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([segments, slash]) => segments.join('/') + (slash ? '/' : ''))
const pattern = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constant('+')), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '/', '/*', '*'),
  )
  .map(([segments, end]) => segments.join('/') + (end === '*' && segments.at(-1) === '+' ? '' : end))

/** Does `text` match, by a regular expression made of the pattern? */
function matches(text: string, asked: string): boolean {
  const source = text
    .replace(/[\\^$.|?()[\]{}]/g, '\\$&')
    .replace(/(?<=^|\/)\+(?=\/|$)/g, '[^/]{0,}')
    .replace(/\*$/, '.*')
  return new RegExp(`^${source}$`, 'us').test(asked)
}

/** Is `a` preferred to `b`? The server's documented rules, one after the other. */
function isPreferred(a: string, b: string): boolean {
  const isExact = (text: string): boolean => !text.endsWith('*') && !text.split('/').includes('+')
  if (isExact(a) !== isExact(b)) return isExact(a)
  const bare = (text: string): string => text.replace(/\*$/, '')
  const first = (text: string): number => {
    const at = bare(text).indexOf('+')
    return at === -1 ? bare(text).length : at
  }
  if (first(a) !== first(b)) return first(a) > first(b)
  if (a.endsWith('*') !== b.endsWith('*')) return b.endsWith('*')
  const plus = (text: string): number => text.split('/').filter((part) => part === '+').length
  if (plus(a) !== plus(b)) return plus(a) < plus(b)
  const [left, right] = [Buffer.from(bare(a)), Buffer.from(bare(b))]
  return (left.length - right.length || Buffer.compare(left, right)) > 0
}

function naiveWinner(patterns: readonly string[], forms: readonly string[]): string | undefined {
  for (const isExactTurn of [true, false]) {
    for (const form of forms) {
      const found = patterns.filter(
        (text) => (text === form && !/\+|\*/.test(text)) === isExactTurn && matches(text, form),
      )
      const [best] = found.sort((a, b) => (isPreferred(a, b) ? -1 : 1))
      if (best !== undefined) return best
    }
  }
  return undefined
}

test('the index finds what a naive matcher finds, whatever the policies', async () => {
  const cases = fc.record({
    patterns: fc.uniqueArray(pattern, { minLength: 1, maxLength: 12 }),
    paths: fc.array(path, { minLength: 1, maxLength: 8 }),
    split: fc.nat({ max: 12 }),
    operation: fc.constantFrom<Operation>('read', 'list'),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ patterns, paths, split, operation }) => {
      const rule = (text: string): object => allow(text, ['read', 'list'], { id: `r${patterns.indexOf(text)}` })
      const engine = await engineOf(
        { policy: 'p', rules: patterns.slice(0, split).map(rule) },
        { policy: 'q', subject: { not: { required: ['x'] } }, rules: patterns.slice(split).map(rule) },
      )
      for (const asked of paths) {
        const slashed = asked.endsWith('/') ? asked : `${asked}/`
        const forms = operation === 'list' ? [slashed, slashed.slice(0, -1)] : [asked]
        const winner = naiveWinner(patterns, forms)
        const expected = winner === undefined ? undefined : `r${patterns.indexOf(winner)}`
        assert.equal(
          engine.decide(ANYONE, request(operation, asked)).decision.rule,
          expected,
          `${asked} in ${patterns}`,
        )
      }
    }),
    { numRuns: 60 },
  )
})
