import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosen, parseBenchArguments } from '../bench/arguments.ts'

const ROWS = ['herd', 'hit', 'hit-otel', 'hitch'].map((name) => ({ name }))

test('options and names may stand in any order', () => {
  const parsed = parseBenchArguments(['hit', '--quick', '--json', 'out.json', 'herd'])

  assert.deepEqual(parsed, { names: ['hit', 'herd'], quick: true, json: 'out.json' })
})

test('an unknown option is refused', () => {
  assert.throws(() => parseBenchArguments(['--fast']), TypeError)
})

test('no name means every row', () => {
  assert.deepEqual(chosen(ROWS, []), ROWS)
})

test('a name means its row and those of its family', () => {
  assert.deepEqual(chosen(ROWS, ['hit']), [{ name: 'hit' }, { name: 'hit-otel' }])
})

test('a name that means no row is refused, and the rows are named', () => {
  assert.throws(() => chosen(ROWS, ['mis']), /no row is called mis; there are herd, hit/)
})
