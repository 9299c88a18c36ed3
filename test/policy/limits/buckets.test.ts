import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BUCKETS_MAX, Buckets, type Draw } from '../../../lib/policy/limits/buckets.ts'
import { type Bucket, fullBucket, type Rate, settle, take, waitMs } from '../../../lib/policy/limits/rate.ts'

const RATE: Rate = Object.freeze({ count: 2, perMs: 1000, burst: 3 })
const draw = (key: string, rate = RATE): Draw => ({ key, ruleKey: 'rule', rate })

/** One bucket for everyone, forgotten never. */
class Unbounded {
  readonly #buckets = new Map<string, Bucket>()

  passes(key: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(key) ?? fullBucket(RATE, nowMs)
    this.#buckets.set(key, bucket)
    settle(bucket, nowMs)
    if (waitMs(bucket) > 0) return false
    take(bucket)
    return true
  }
}

const attempts = fc.array(
  fc.record({ caller: fc.integer({ min: 0, max: 9 }), waitMs: fc.constantFrom(0, 0, 0, 100, 400, 3_000) }),
  { maxLength: 200, size: 'max' },
)

test('with room for all, everyone gets what a bucket of his own would give', () => {
  fc.assert(
    fc.property(attempts, (steps) => {
      const buckets = new Buckets(10)
      const model = new Unbounded()
      let nowMs = 1
      for (const { caller, waitMs: wait } of steps) {
        nowMs += wait
        assert.equal(buckets.draw([draw(`${caller}`)], nowMs) === undefined, model.passes(`${caller}`, nowMs))
      }
    }),
    { numRuns: 500 },
  )
})

test('without room for all, nobody gets more than that', () => {
  fc.assert(
    fc.property(attempts, fc.integer({ min: 0, max: 5 }), (steps, max) => {
      const buckets = new Buckets(max)
      const spent = new Map<string, Bucket>()
      let nowMs = 1
      for (const { caller, waitMs: wait } of steps) {
        nowMs += wait
        const passes = buckets.draw([draw(`${caller}`)], nowMs) === undefined
        assert.ok(buckets.size <= max + 1)
        if (!passes) continue
        const own = spent.get(`${caller}`) ?? fullBucket(RATE, nowMs)
        spent.set(`${caller}`, own)
        settle(own, nowMs)
        assert.equal(waitMs(own), 0, 'let through what a bucket of its own would not have')
        take(own)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('a chain takes from all of its buckets, or from none', () => {
  const buckets = new Buckets()
  const one = { ...RATE, burst: 1 }
  assert.equal(buckets.draw([draw('root'), draw('a', one)], 1), undefined)
  assert.deepEqual(buckets.draw([draw('root'), draw('a', one)], 1), { at: 1, waitMs: 500 })
  assert.deepEqual(buckets.draw([draw('root'), draw('a', one)], 1), { at: 1, waitMs: 500 })
  assert.equal(buckets.draw([draw('root'), draw('b', one)], 1), undefined)
  assert.equal(buckets.draw([draw('root'), draw('c', one)], 1), undefined)
  assert.deepEqual(buckets.draw([draw('root'), draw('d', one)], 1), { at: 0, waitMs: 500 })
  assert.equal(buckets.draw([draw('d', one)], 1), undefined, 'nothing was taken of a bucket beside one that was empty')
})

test('a crowded chain does not lose what its links take, though they share one bucket', () => {
  const buckets = new Buckets(0)
  let passed = 0
  while (buckets.draw([draw('root'), draw('a')], 1) === undefined) passed += 1
  assert.equal(passed, 2)
})

test('idle buckets are forgotten, a few at each draw, and their callers are as new', () => {
  const buckets = new Buckets()
  for (let n = 0; n < 1_000; n += 1) buckets.draw([draw(`${n}`)], 1)
  assert.equal(buckets.size, 1_000)
  for (let n = 0; n < 600; n += 1) buckets.draw([draw('busy')], 10_000 + n)
  assert.ok(buckets.size <= 2, `${buckets.size} buckets are left`)
  for (let n = 0; n < 3; n += 1) assert.equal(buckets.draw([draw('7')], 20_000), undefined)
  assert.deepEqual(buckets.draw([draw('7')], 20_000), { at: 0, waitMs: 500 })
})

test('a reading that is no time counts as none', () => {
  const buckets = new Buckets()
  for (let n = 0; n < 3; n += 1) assert.equal(buckets.draw([draw('a')], 5), undefined)
  for (const nowMs of [Number.NaN, Infinity, -Infinity]) assert.notEqual(buckets.draw([draw('a')], nowMs), undefined)
  assert.notEqual(buckets.draw([draw('a')], 6), undefined)
})

test('a flood of callers fills no memory, and lets none of them have more than his rate', () => {
  const buckets = new Buckets()
  const flood = 3 * BUCKETS_MAX
  let passed = 0
  for (let n = 0; n < flood; n += 1) if (buckets.draw([draw(`caller-${n}`)], 1) === undefined) passed += 1
  assert.ok(buckets.size <= BUCKETS_MAX + 1, `${buckets.size} buckets`)
  assert.equal(passed, BUCKETS_MAX + RATE.burst)
  assert.equal(buckets.draw([draw('caller-0')], 1), undefined, 'who has a bucket keeps it')
})
