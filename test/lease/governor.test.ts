import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createGovernor } from '../../lib/lease/governor.ts'

test('a burst goes at once, and the rest one spacing apart', () => {
  const governor = createGovernor({ perSecond: 10, burst: 2 })
  const delays = Array.from({ length: 5 }, () => governor.delay(1_000))
  assert.deepEqual(delays, [0, 0, 100, 200, 300])
})

test('a quiet time gives the burst back, and no more than it', () => {
  const governor = createGovernor({ perSecond: 10, burst: 2 })
  for (let i = 0; i < 2; i += 1) governor.delay(1_000)
  assert.equal(governor.delay(1_100), 0)
  assert.equal(governor.delay(1_100), 100)
  const delays = Array.from({ length: 3 }, () => governor.delay(1_000_000))
  assert.deepEqual(delays, [0, 0, 100])
})

test('no stretch of time lets more through than the burst and the rate allow', () => {
  const options = fc.record({
    perSecond: fc.double({ min: 0.01, max: 5_000, noNaN: true }),
    burst: fc.integer({ min: 1, max: 20 }),
  })
  const gaps = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2_000, noNaN: true })), { maxLength: 80 })
  fc.assert(
    fc.property(options, gaps, ({ perSecond, burst }, all) => {
      const governor = createGovernor({ perSecond, burst })
      let nowMs = 1_000
      const turns = all.map((gapMs) => {
        nowMs += gapMs
        const delayMs = governor.delay(nowMs)
        assert.ok(delayMs >= 0)
        return nowMs + delayMs
      })
      for (const [first, fromMs] of turns.entries()) {
        for (const [last, toMs] of turns.entries()) {
          if (last < first) continue
          const allowed = burst + ((toMs - fromMs) * perSecond) / 1000
          assert.ok(last - first + 1 <= allowed + 1e-6, `${last - first + 1} of ${allowed}`)
        }
      }
    }),
  )
})

test('nobody waits while the rate has room', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 100, max: 1_000 })), (gaps) => {
      const governor = createGovernor({ perSecond: 10, burst: 1 })
      let nowMs = 1_000
      for (const gapMs of gaps) {
        nowMs += gapMs
        assert.equal(governor.delay(nowMs), 0)
      }
    }),
  )
})

test('two governors that are asked the same say the same', () => {
  const [one, other] = [createGovernor({ perSecond: 3, burst: 2 }), createGovernor({ perSecond: 3, burst: 2 })]
  for (const nowMs of [1_000, 1_000, 1_001, 1_500, 9_000]) assert.equal(one.delay(nowMs), other.delay(nowMs))
})

test('an infinite rate is no bound', () => {
  const governor = createGovernor({ perSecond: Infinity, burst: 1 })
  assert.deepEqual(
    [1_000, 1_000, 1_000].map((nowMs) => governor.delay(nowMs)),
    [0, 0, 0],
  )
})

for (const [name, options] of [
  ['perSecond', { perSecond: 0, burst: 1 }],
  ['perSecond', { perSecond: Number.NaN, burst: 1 }],
  ['burst', { perSecond: 1, burst: 0 }],
  ['burst', { perSecond: 1, burst: 1.5 }],
  ['burst', { perSecond: 1, burst: Infinity }],
] as const) {
  test(`a governor refuses ${name} in ${JSON.stringify(options)}`, () => {
    assert.throws(() => createGovernor(options), { name: 'RangeError', message: new RegExp(`^${name} must be`) })
  })
}
