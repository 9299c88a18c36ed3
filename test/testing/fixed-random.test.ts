import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'

test('the same seed gives the same values, another seed others', () => {
  const draw = (seed: number): number[] => {
    const random = fixedRandom(seed)
    return [random.fraction(), random.fraction()]
  }
  assert.deepEqual(draw(1), draw(1))
  assert.notDeepEqual(draw(1), draw(2))
})

test('fractions lie in [0, 1)', () => {
  const random = fixedRandom()
  for (let i = 0; i < 1_000; i++) {
    const fraction = random.fraction()
    assert.ok(fraction >= 0 && fraction < 1)
  }
})

test('uuids have the form of version 4 and differ', () => {
  const random = fixedRandom()
  const first = random.uuid()
  assert.match(first, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.notEqual(first, random.uuid())
})

test('bytes are as many as asked for', () => {
  assert.equal(fixedRandom().bytes(33).length, 33)
})
